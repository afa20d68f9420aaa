package pool

import (
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"golang.org/x/sys/unix"
)

// deadline is when something is to be done unless something else happens before.
type deadline struct {
	at time.Time
	do func(*keeper) // nil: what each round does anyway
	// Or to one worker:
	to     *member
	doThat func(*keeper, *member)
}

// pending lists all deadlines, in the order in which they are seen to. No other place does.
func (k *keeper) pending() []deadline {
	list := k.deadlines[:0]
	add := func(at time.Time, do func(*keeper)) { list = append(list, deadline{at: at, do: do}) }
	addTo := func(m *member, at time.Time, do func(*keeper, *member)) {
		list = append(list, deadline{at: at, to: m, doThat: do})
	}
	if first := k.silent.Front(); first != nil {
		add(first.Value.(*job).deadline, (*keeper).refuseSilent)
	}
	if len(k.queue) > 0 {
		add(k.queue[0].deadline, (*keeper).refuseQueued)
	}
	for _, m := range k.members {
		switch {
		case len(m.jobs) > 1 && len(k.idle) > 0:
			addTo(m, k.now, (*keeper).relieve)
		case len(m.jobs) > 1:
			addTo(m, m.jobs[1].deadline, (*keeper).relieve)
		}
		if len(m.jobs) > 0 && k.cfg.Timeout > 0 && !m.killed {
			addTo(m, m.begun.Add(k.cfg.Timeout), (*keeper).kill)
		}
	}
	if since, limited := k.forking(); limited {
		add(since.Add(k.cfg.Timeout), (*keeper).parentHangs)
	}
	if !k.changed.IsZero() {
		add(k.changed.Add(settleTime), (*keeper).reloadChanged)
	}
	if k.open == 0 && k.stopping == nil && k.ready && k.cfg.IdleExit > 0 {
		add(k.asked.Add(k.cfg.IdleExit), (*keeper).leaveIdle)
	}
	if k.count < k.cfg.Workers && k.again.After(k.now) {
		add(k.again, nil) // grow
	}
	if k.statusDue {
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

// patience is how many milliseconds there is nothing to do unless something happens, -1: for
// ever.
func (k *keeper) patience() int {
	next := time.Time{}
	for _, d := range k.pending() {
		if next.IsZero() || d.at.Before(next) {
			next = d.at
		}
	}
	if next.IsZero() {
		return -1
	}
	return max(0, int(time.Until(next)/time.Millisecond)+1)
}

// expire does all whose time has come.
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

// refuseSilent ends connections that have sent no header.
func (k *keeper) refuseSilent() {
	for first := k.silent.Front(); first != nil && !k.now.Before(first.Value.(*job).deadline); first = k.silent.Front() {
		j := k.silent.Remove(first).(*job)
		k.poll.remove(j.Conn.FD())
		go k.refuse(j, scgi.ErrHeaderTimeout)
	}
}

// refuseQueued answers requests for which no worker became free in time.
func (k *keeper) refuseQueued() {
	for len(k.queue) > 0 && !k.now.Before(k.queue[0].deadline) {
		j := k.queue[0]
		k.queue = k.queue[1:]
		j.Queued = k.now.Sub(j.Arrived)
		go func() {
			res := j.NotQueued(gateway.ErrQueueTimeout)
			k.cfg.Gateway.Log.Record(j.WarmRecord(res, j.Queued))
			k.over(j)
		}()
	}
}

// relieve takes back what waits for a worker that is at another request.
func (k *keeper) relieve(m *member) { k.takeBack(m) }

// reloadChanged loads the application again when its files have not changed for a while.
func (k *keeper) reloadChanged() {
	k.changed = time.Time{}
	k.reload()
}

// leaveIdle leaves when no connection waits: the next process would start for it.
func (k *keeper) leaveIdle() {
	var fds []unix.PollFd
	for _, l := range k.listeners {
		fds = append(fds, unix.PollFd{Fd: int32(l.FD), Events: unix.POLLIN})
	}
	if n, err := poll.Now(fds); n == 0 && err == nil {
		k.stop()
	}
}
