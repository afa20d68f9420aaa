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
	state   worker.State // at the last look
	done    int64        // completed requests
	counts  bool         // it is included in pool.count: it is neither told to leave nor leaving by itself
	silent  bool         // it accepts no more connections
	since   time.Time    // when it was told to leave, or began to
	deafAt  time.Time    // when it closed its job socket
	killed  *outcome.Problem
	conn    int   // our descriptor of the connection of the request that it is killed for; -1: none
	connOf  int64 // the number of that request (worker.State.Begun)
	connErr error // why there is none
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
	m := &member{Warm: w, version: version, counts: version == k.version, conn: -1}
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
	case 'F':
		k.closed(*rep.Failed, rep.Failed.Problem)
	case 'D':
		if j := k.take(rep.Job); j != nil {
			k.progress(m, m.State())
			if rep.Problem == nil {
				rep.Problem = j.problem
			}
			k.done(j, rep.Result, rep.Took)
		}
	case 0: // there is no other message, and the job is not done
		if j := k.jobOf(m); j != nil && rep.Problem != nil {
			j.problem = rep.Problem
		}
	}
}

// jobOf returns the job that a worker is at, or whose end it has not reported; nil: none.
func (k *keeper) jobOf(m *member) *job {
	s := m.State()
	i := slices.IndexFunc(k.given, func(j *job) bool { return j.number == s.Job })
	if i < 0 {
		return nil
	}
	return k.given[i]
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
	m.Leave()
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
	if s := m.State(); s.Busy {
		k.progress(m, s)
		m.since = k.now
		return
	}
	k.kill(m, &outcome.Problem{Kind: outcome.Died, Text: "a worker was killed because it had not exited within " + retireGrace.String()})
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
	j := k.jobOf(m)
	k.members = slices.Delete(k.members, i, i+1)
	counted := m.counts
	k.uncount(m)
	switch {
	case j != nil:
		k.take(j.number)
		k.lostJob(m, j)
	case s.Busy && s.Job == 0:
		k.lost(m)
	case !counted || m.killed != nil:
	case s.Begun == 0:
		k.endedUnused(m)
	default:
		k.endedIdle(m)
	}
	if m.conn >= 0 { // the request was completed after all
		unix.Close(m.conn)
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
func (k *keeper) lostJob(m *member, j *job) {
	j.Service = k.now.Sub(m.state.Started)
	j.Queued = max(0, k.now.Sub(j.Arrived)-j.Service)
	res := died(m)
	k.because(m, func(problem *outcome.Problem) {
		res.Problem = problem
		k.failed(j, res)
	})
}

// died returns the progress of the response of a worker that died.
func died(m *member) outcome.Result {
	if m.state.Status != 0 || !m.state.Busy { // not busy: complete, but not reported
		return outcome.Result{Status: m.state.Status, End: outcome.Cut}
	}
	return outcome.Result{}
}

// lost ends a request of the fast lane whose worker died.
func (k *keeper) lost(m *member) {
	about, conn, res := subject(m.Current()), m.conn, died(m)
	took := k.now.Sub(m.state.Started)
	if conn >= 0 && m.connOf == m.state.Begun { // the worker was killed, and takeOver has the connection
		m.conn = -1
		k.open++
		r := k.cfg.Gateway.NewRequest(conn, m.state.Started)
		r.Subject, r.Service = about, took
		res.Problem = k.explain(m.killed)
		go func() {
			res := r.Fail(res)
			r.Finish()
			k.cfg.Gateway.Log.Record(r.WarmRecord(res, took))
			k.post(k.gone)
		}()
		return
	}
	s := m.Current()
	s.Result, s.Took = res, took
	k.because(m, func(problem *outcome.Problem) {
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

// because calls f with the reason for a worker's end, when that is known.
func (k *keeper) because(m *member, f func(*outcome.Problem)) {
	if m.killed != nil {
		f(k.explain(m.killed))
		return
	}
	k.whenEnded(m, func(how string) { f(k.explain(&outcome.Problem{Kind: outcome.Died, Text: how})) })
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

// takeOver duplicates the client's connection of a worker that is about to be killed, and returns
// whether the worker is at a request.
func (m *member) takeOver() (busy bool) {
	s := m.State()
	if s.Busy && s.Job == 0 && m.conn < 0 {
		m.connOf = s.Begun
		m.conn, m.connErr = m.Connection(s)
	}
	return s.Busy
}
