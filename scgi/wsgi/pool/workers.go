package pool

import (
	"slices"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// member is a worker of the pool, until it has ended.
type member struct {
	*worker.Warm
	version int
	state   worker.State     // at the last look
	done    int64            // completed requests
	problem *outcome.Problem // that it has reported, of the job whose end it reports next
	counts  bool             // it is included in pool.count: it is neither told to leave nor leaving by itself
	silent  bool             // it accepts no more connections
	told    bool             // it is told to leave
	since   time.Time        // when it was told to leave, or began to
	deafAt  time.Time        // when it closed its job socket
	killed  *outcome.Problem
	blocked bool          // its event loop is, and that is logged
	conns   map[int64]int // our descriptors of the connections of requests that it is killed for, by worker.Current.Begun
	connErr error         // why one is missing
}

const (
	// retireGrace is the time that a worker has for its exit handlers.
	retireGrace = 5 * time.Second
	// mostEarly is the number of consecutive processes that may end before serving a request.
	// After that, starting the next one is delayed.
	mostEarly = 3
)

// join makes a worker a member of the pool.
func (k *keeper) join(w *worker.Warm, version int) {
	m := &member{Warm: w, version: version, counts: version == k.version, conns: map[int64]int{}}
	k.members = append(k.members, m)
	pidfd := m.PidFD()
	if pidfd < 0 { // it has ended already
		k.ended(m)
		return
	}
	k.whenever(func() bool { return k.hearFrom(m) }, m.FD(), pidfd)
	if !m.counts || k.stopping != nil && k.stopping.step > finishing {
		k.leave(m) // it was started for an older version, or the service is being stopped
		return
	}
	m.Begin()
	if k.stopping != nil {
		m.Quiet()
	}
	k.statusDue = true
	k.lookSoon()
	k.isReady()
}

// hearFrom handles a worker's messages, and returns whether more can follow.
func (k *keeper) hearFrom(m *member) bool {
	if !k.isMember(m) || !m.deafAt.IsZero() {
		return false
	}
	gone := m.Other.Ended() // before reading, so that the last message is not missed
	for {
		var rep worker.Report
		some, closed := m.Next(&rep, k.buf)
		k.heard(m, &rep)
		if closed && !gone {
			k.deaf(m)
			return false
		}
		if !some {
			break
		}
	}
	if gone {
		k.ended(m)
	}
	return !gone
}

// heard handles one message.
func (k *keeper) heard(m *member, rep *worker.Report) {
	if len(rep.Files) > 0 {
		k.imported(rep.Files)
		if m.version == k.version {
			k.compare(rep.Files)
		}
	}
	switch rep.Kind {
	case 'A':
		k.record(k.members...)
		k.lookSoon()
	case 'B':
		m.silent = true
		if !m.since.IsZero() {
			k.acceptSoon() // it was told to leave when it may have been woken for a connection
		}
		if k.stopping == nil || k.stopping.step > finishing {
			k.uncount(m)
		}
	case 'E': // the application can't begin in a process that has it loaded
		k.uncount(m)
		k.noWorker(rep.Problem)
	case 'R':
		k.works()
	case 'F':
		k.closed(*rep.Failed, rep.Failed.Problem)
	case 'D':
		if j := k.take(rep.Job); j != nil {
			k.progress(m, m.State())
			if rep.Problem == nil {
				rep.Problem = m.problem
			}
			m.problem = nil
			k.done(j, rep.Result, rep.Took)
		}
	case 0: // there is no other message, and the job is not done
		if rep.Problem != nil {
			m.problem = rep.Problem
		}
	}
}

// deafGrace is how long a process may take to end after it has closed its descriptors.
const deafGrace = 250 * time.Millisecond

// deaf records that a worker has closed its job socket, as it does at its end.
func (k *keeper) deaf(m *member) {
	m.deafAt = k.now
	k.whenever(func() bool { k.ended(m); return false }, m.PidFD())
}

// killDeaf kills a worker that has closed its job socket and runs on.
func (k *keeper) killDeaf(m *member) {
	const text = "a worker can't receive requests any more: the application has opened too many files, or shut down the worker's socket"
	if !m.takeOver() { // a request's record contains the problem
		k.problem(gateway.Error, text)
	}
	k.kill(m, &outcome.Problem{Kind: outcome.Died, Text: text})
}

// uncount has a worker replaced that is leaving.
func (k *keeper) uncount(m *member) {
	if m.since.IsZero() {
		m.since = k.now
	}
	if m.counts {
		m.counts = false
		k.count--
		k.statusDue = true
	}
}

// leave has a worker end when its request is complete, and replaced.
func (k *keeper) leave(m *member) {
	k.uncount(m)
	if !m.told {
		m.told = true
		m.Leave()
	}
}

// kill ends a worker because of a problem.
func (k *keeper) kill(m *member, problem *outcome.Problem) {
	if m.killed != nil {
		return
	}
	m.killed = problem
	k.leave(m) // so that it takes no further request, even if it ignores SIGTERM for a while
	go m.Kill()
}

// killIdle kills a worker that exceeds retireGrace.
func (k *keeper) killIdle(m *member) {
	if s := m.State(); s.Busy() {
		k.progress(m, s)
		m.since = k.now
		return
	}
	k.kill(m, &outcome.Problem{Kind: outcome.Died, Text: "a worker was killed because it had not exited within " + outcome.FormatDuration(retireGrace)})
}

// ended handles the end of a worker, and the request that it was at.
func (k *keeper) ended(m *member) {
	i := slices.Index(k.members, m)
	if i < 0 {
		return
	}
	s := m.State()
	k.progress(m, s)
	k.record(k.members...)
	k.members = slices.Delete(k.members, i, i+1)
	counted := m.counts
	k.uncount(m)
	for _, r := range s.Requests {
		if r.Job == 0 {
			k.lost(m, r)
		} else if j := k.take(r.Job); j != nil {
			k.lostJob(m, r, j)
		}
	}
	switch {
	case s.Busy() || !counted || m.killed != nil:
	case s.Begun == 0:
		k.endedUnused(m)
	default:
		k.endedIdle(m)
	}
	for _, conn := range m.conns { // the request was completed after all
		unix.Close(conn)
	}
	k.find()
	if !m.silent {
		k.acceptSoon() // the kernel may have woken it for a connection
	}
	k.alive++
	go func() {
		<-m.Ended()
		k.post(func() {
			k.record(m) // the records of a process that outlived the one that its parent reported
			m.Close()
			k.alive--
		})
	}()
}

// lostJob ends a job whose worker died.
func (k *keeper) lostJob(m *member, r worker.Current, j *job) {
	j.Service = k.now.Sub(r.Started)
	j.Queued = max(0, k.now.Sub(j.Arrived)-j.Service)
	res := died(r)
	k.because(m, r, func(problem *outcome.Problem) {
		res.Problem = problem
		k.failed(j, res)
	})
}

// died returns the progress of a response whose worker died.
func died(r worker.Current) outcome.Result {
	if r.Status != 0 {
		return outcome.Result{Status: r.Status, End: outcome.Cut}
	}
	return outcome.Result{}
}

// lost ends a request of the fast lane whose worker died.
func (k *keeper) lost(m *member, at worker.Current) {
	s := m.Named(at)
	s.Result, s.Took = died(at), k.now.Sub(at.Started)
	if conn, ok := m.conns[at.Begun]; ok { // the worker was killed, and takeOver has the connection
		delete(m.conns, at.Begun)
		k.open++
		s.Problem = k.killedFor(m, at)
		go k.answerFor(worker.Passed{FD: conn, Served: &s})
		return
	}
	k.because(m, at, func(problem *outcome.Problem) {
		if m.connErr != nil {
			problem.Text += " (the web server answers 502: " + m.connErr.Error() + ")"
		}
		k.closed(s, problem)
	})
}

// closed logs a request whose connection was closed without a response. The web server answers 502.
func (k *keeper) closed(s worker.Served, problem *outcome.Problem) {
	k.cfg.Gateway.Log.Line(gateway.Line{Priority: gateway.Error, Text: problem.Text, About: subject(s)})
	if s.Status == 0 {
		s.Status = 502
	}
	k.cfg.Gateway.Log.Record(k.recordOf(s))
}

// because calls f with the reason for the end of a request's worker, as soon as it is known.
func (k *keeper) because(m *member, r worker.Current, f func(*outcome.Problem)) {
	if m.killed != nil {
		f(k.killedFor(m, r))
		return
	}
	k.whenEnded(m, func(how string) { f(k.explain(&outcome.Problem{Kind: outcome.Died, Text: how})) })
}

// killedFor returns the reason for the end of a request whose worker was killed.
func (k *keeper) killedFor(m *member, r worker.Current) *outcome.Problem {
	if m.killed == nil { // by SIGTERM, when the service is stopped
		return k.explain(&outcome.Problem{Kind: outcome.Died, Text: "the worker was ended during the request"})
	}
	if m.killed.Kind == outcome.Timeout && k.now.Before(r.Started.Add(k.cfg.Timeout)) {
		return &outcome.Problem{Kind: outcome.Died, Text: "the worker was killed because another of its requests exceeded the timeout and blocked its event loop"}
	}
	return k.explain(m.killed)
}

// endingProcess is a worker or a parent.
type endingProcess interface {
	Ended() <-chan struct{}
	Ending() string
}

// endedUnused handles the end of a process that has served no request. After mostEarly of them in a
// row, the queued requests fail and the next start is delayed.
func (k *keeper) endedUnused(p endingProcess) {
	if k.early++; k.early < mostEarly {
		k.endedIdle(p)
		return
	}
	k.again = k.now.Add(endedTime) // by then noWorker has the reason
	k.whenEnded(p, func(how string) {
		k.noWorker(&outcome.Problem{Kind: outcome.Busy, Text: how + " before it could serve a request"})
	})
}

// endedIdle logs the end of a process that was at no request.
func (k *keeper) endedIdle(p endingProcess) {
	k.whenEnded(p, func(how string) { k.problem(gateway.Warning, how+" while it was idle") })
}

// endedTime is the time until whenEnded stops waiting for the exit status.
const endedTime = time.Second

// whenEnded calls f with how a process ended, when that is known.
func (k *keeper) whenEnded(p endingProcess, f func(how string)) {
	k.alive++ // until f has logged it
	go func() {
		how := "a process ended"
		select { // its parent reports the exit status
		case <-p.Ended():
			how = p.Ending()
		case <-time.After(endedTime):
		}
		k.post(func() {
			k.alive--
			f(how)
		})
	}()
}

// stopWorkers sends a signal to all workers that are at a request.
func (k *keeper) stopWorkers(sig syscall.Signal) {
	for _, m := range k.members {
		if m.takeOver() {
			m.Leave()
			m.Signal(sig)
		}
	}
}

// takeOver duplicates the connections of a worker that is about to be killed, and returns whether the
// worker is at a request.
func (m *member) takeOver() (busy bool) {
	s := m.State()
	for _, r := range s.Requests {
		if _, has := m.conns[r.Begun]; has || r.Job != 0 {
			continue
		}
		if conn, err := m.Connection(r); err != nil {
			m.connErr = err
		} else {
			m.conns[r.Begun] = conn
		}
	}
	return s.Busy()
}
