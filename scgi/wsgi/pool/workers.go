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
	state   worker.State // as seen last
	done    int64        // requests that it is done with
	counts  bool         // it is one of those that there are to be: it was not told to leave, and hasn't begun to by itself
	silent  bool         // it accepts nothing more
	since   time.Time    // when it was told to leave, or began to
	deafAt  time.Time    // since when it says no more
	killed  *outcome.Problem
	conn    int   // of the request that it is killed for, -1: not known
	connOf  int64 // which one that was
	connErr error // why it is not known
}

const (
	// retireGrace is how long a worker may take for what it does at its end.
	retireGrace = 5 * time.Second
	// mostEarly is how many processes in a row may end without having been of use, until it
	// is thought that the next one would, too.
	mostEarly = 3
)

// join makes a worker a member.
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
		k.leave(m) // it comes too late
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

// hearFrom takes a worker's messages, and tells whether it may say or do more.
func (k *keeper) hearFrom(m *member) bool {
	if !k.isMember(m) || !m.deafAt.IsZero() {
		return false
	}
	gone := m.Other.Ended() // before its messages: they are all there then
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

// heard takes one message.
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
	case 0: // of a job that is not done all has been said
		if j := k.jobOf(m); j != nil && rep.Problem != nil {
			j.problem = rep.Problem
		}
	}
}

// jobOf is the job that a worker is at, or has not told the end of; nil if there is none.
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

// deaf notes that a worker says no more, for it is about to end.
func (k *keeper) deaf(m *member) {
	m.deafAt = k.now
	k.whenever(func() bool { k.ended(m); return false }, m.PidFD())
}

// killDeaf ends a worker that was not.
func (k *keeper) killDeaf(m *member) {
	const text = "a worker takes no more requests: the application has opened too many files, or shut down the socket for that"
	if !m.takeOver() { // else the request's record has it
		k.problem(gateway.Error, text)
	}
	k.kill(m, &outcome.Problem{Kind: outcome.Died, Text: text})
}

// uncount has another worker made in the place of one, which ends when it has nothing more to do.
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

// leave has a worker end when it has nothing more to do.
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
	k.leave(m) // so that it takes nothing else where it ignores SIGTERM for a while
	go m.Kill()
}

// killIdle ends a worker that takes too long to leave.
func (k *keeper) killIdle(m *member) {
	if s := m.State(); s.Busy {
		k.progress(m, s)
		m.since = k.now
		return
	}
	k.kill(m, &outcome.Problem{Kind: outcome.Died, Text: "a worker took longer than " + retireGrace.String() + " for its end, and was killed"})
}

// ended deals with the end of a worker, and with what it was at.
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
	if m.conn >= 0 { // of a request that came to its end after all
		unix.Close(m.conn)
	}
	k.find()
	if !m.silent {
		k.acceptSoon() // it may have been woken for a connection
	}
	k.alive++
	go func() {
		<-m.Ended()
		k.post(func() {
			k.record(m) // of a process that its parent has called another
			m.Close()
			k.alive--
		})
	}()
}

// lostJob ends a job whose worker has died of it.
func (k *keeper) lostJob(m *member, j *job) {
	j.Service = k.now.Sub(m.state.Started)
	j.Queued = max(0, k.now.Sub(j.Arrived)-j.Service)
	res := died(m)
	k.because(m, func(problem *outcome.Problem) {
		res.Problem = problem
		k.failed(j, res)
	})
}

// died is how far the response of a worker came that has died.
func died(m *member) outcome.Result {
	if m.state.Status != 0 || !m.state.Busy { // or it was done, and has not told
		return outcome.Result{Status: m.state.Status, End: outcome.Cut}
	}
	return outcome.Result{}
}

// lost ends a request that a worker had accepted by itself when it died.
func (k *keeper) lost(m *member) {
	about, conn, res := subject(m.Current()), m.conn, died(m)
	took := k.now.Sub(m.state.Started)
	if conn >= 0 && m.connOf == m.state.Begun { // it was killed, and the client can be told
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
			problem.Text += " (the client gets the web server's 502: " + m.connErr.Error() + ")"
		}
		k.closed(s, problem)
	})
}

// closed logs a request whose connection was closed before it was answered: the web server does, with 502.
func (k *keeper) closed(s worker.Served, problem *outcome.Problem) {
	k.cfg.Gateway.Log.Line(gateway.Line{Priority: gateway.Error, Text: problem.Text, About: subject(s)})
	if s.Status == 0 {
		s.Status = 502
	}
	k.cfg.Gateway.Log.Record(k.recordOf(s))
}

// because calls f with why a worker has ended, when that is known.
func (k *keeper) because(m *member, f func(*outcome.Problem)) {
	if m.killed != nil {
		f(k.explain(m.killed))
		return
	}
	k.whenEnded(m, func(how string) { f(k.explain(&outcome.Problem{Kind: outcome.Died, Text: how})) })
}

// endingProcess is a worker, or the process that they are forked from.
type endingProcess interface {
	Ended() <-chan struct{}
	Ending() string
}

// endedUnused notes that a process has ended before it was of use. When some have in a row
// the next one would, too: what waits is told, and it is made later.
func (k *keeper) endedUnused(p endingProcess) {
	if k.early++; k.early < mostEarly {
		k.endedIdle(p)
		return
	}
	k.again = k.now.Add(endedTime) // when it is known why, at the latest
	k.whenEnded(p, func(how string) {
		k.noWorker(&outcome.Problem{Kind: outcome.Busy, Text: how + " before it could serve a request"})
	})
}

// endedIdle logs how a process has ended that was at no request.
func (k *keeper) endedIdle(p endingProcess) {
	k.whenEnded(p, func(how string) { k.problem(gateway.Warning, how+" while it waited") })
}

// endedTime is how long it may take until it is known how a process has ended.
const endedTime = time.Second

// whenEnded calls f when it is known how a process has ended.
func (k *keeper) whenEnded(p endingProcess, f func(how string)) {
	k.alive++ // until that is logged
	go func() {
		how := "a process ended"
		select { // the process that has forked it will tell
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

// stopWorkers sends a signal to all that are at a request.
func (k *keeper) stopWorkers(sig syscall.Signal) {
	for _, m := range k.members {
		if m.takeOver() {
			m.Leave()
			m.Signal(sig)
		}
	}
}

// takeOver has a connection of our own to the client of a worker that is about to be killed, and
// tells whether the worker is at a request.
func (m *member) takeOver() (busy bool) {
	s := m.State()
	if s.Busy && s.Job == 0 && m.conn < 0 {
		m.connOf = s.Begun
		m.conn, m.connErr = m.Connection(s)
	}
	return s.Busy
}
