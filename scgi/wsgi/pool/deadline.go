package pool

import "time"

// deadline is an action and its time.
type deadline struct {
	at time.Time
	do func(*keeper) // nil: the loop of run does it each time
	// Or, for one worker:
	to     *member
	doThat func(*keeper, *member)
}

// pending returns all deadlines, in the order in which they are handled. There are no others.
func (k *keeper) pending() []deadline {
	list := k.deadlines[:0]
	add := func(at time.Time, do func(*keeper)) { list = append(list, deadline{at: at, do: do}) }
	addTo := func(m *member, at time.Time, do func(*keeper, *member)) {
		list = append(list, deadline{at: at, to: m, doThat: do})
	}
	if !k.lookAt.IsZero() {
		add(k.lookAt, (*keeper).inspect)
	}
	if !k.findAt.IsZero() {
		add(k.findAt, (*keeper).findLost)
	}
	if j := k.waiting(); j != nil {
		add(j.deadline, (*keeper).refuseQueued)
	}
	for _, m := range k.members {
		switch {
		case m.killed != nil:
		case !m.deafAt.IsZero() && m.counts:
			addTo(m, m.deafAt.Add(deafGrace), (*keeper).killDeaf)
		case m.state.Busy():
			if since, limited := k.atRequest(m); limited {
				addTo(m, since.Add(k.cfg.Timeout), (*keeper).overdue)
			}
		case !m.since.IsZero():
			addTo(m, m.since.Add(retireGrace), (*keeper).killIdle)
		}
	}
	if !k.settleAt.IsZero() {
		add(k.settleAt, (*keeper).settle)
	}
	if since, limited := k.forking(); limited {
		add(since.Add(k.cfg.Timeout), (*keeper).parentHangs)
	}
	if !k.changed.IsZero() {
		add(k.changed.Add(settleTime), (*keeper).reloadChanged)
	}
	if k.quiet > 0 && k.stopping == nil && k.ready && k.cfg.IdleExit > 0 {
		add(k.asked.Add(k.cfg.IdleExit), (*keeper).leaveIdle)
	}
	if k.count < k.cfg.Workers && k.again.After(k.now) {
		add(k.again, nil) // grow
	}
	if k.statusDue && k.ready {
		add(k.statusAt.Add(statusInterval), nil) // tell
	}
	if k.watchdog > 0 {
		add(k.fed.Add(k.watchdog), nil) // tell
	}
	if k.stopping != nil {
		add(k.stopping.next, nil) // stopped
	}
	k.deadlines = list
	return list
}

// next returns the earliest deadline; zero: there is none.
func (k *keeper) next() (next time.Time) {
	for _, d := range k.pending() {
		if next.IsZero() || d.at.Before(next) {
			next = d.at
		}
	}
	return next
}

// expire runs the actions that are due.
func (k *keeper) expire() {
	for _, d := range k.pending() {
		switch {
		case k.now.Before(d.at):
		case d.to != nil:
			d.doThat(k, d.to)
		case d.do != nil:
			d.do(k)
		}
	}
}

// reloadChanged reloads the application after its files have not changed for settleTime.
func (k *keeper) reloadChanged() {
	k.changed = time.Time{}
	k.reload()
}

// leaveIdle stops the service after IdleExit, unless a connection waits or a worker has one.
func (k *keeper) leaveIdle() {
	k.inspect()
	if k.quiet > 0 {
		k.stop()
	}
}
