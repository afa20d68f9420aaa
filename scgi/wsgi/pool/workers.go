package pool

import (
	"errors"
	"slices"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// member is a worker of the pool. While there are more requests than workers, some wait in
// the sockets of workers already, which so go from one to the next without a pause.
type member struct {
	*worker.Warm
	version int
	jobs    []*job    // what was sent to it: the first is its work, the others wait
	begun   time.Time // when the first became that
	done    int64     // how many it has finished
	shut    bool      // nothing can be sent to it any more
	killed  bool      // because the first took too long, or for this reason:
	fault   string
}

const (
	// retireGrace is how long a worker may take for what it does at its end.
	retireGrace = 5 * time.Second
	// ahead is how many jobs may wait in the socket of a worker, and quick for how long that
	// may have been at its own when another is sent to it: one that takes longer is likely to
	// go on.
	ahead = 3
	quick = 2 * time.Millisecond
	// mostEarly is how many processes in a row may end without having been of use, until it
	// is thought that the next one would, too.
	mostEarly = 3
	// patientClient is how long a request waits until it is checked whether its client does.
	patientClient = 50 * time.Millisecond
)

// join makes a worker a member.
func (k *keeper) join(w *worker.Warm, version int) {
	m := &member{Warm: w, version: version}
	k.alive++
	if version != k.version || k.stopping != nil && k.stopping.step > finishing { // it comes too late
		k.retire(m)
		return
	}
	if w.PidFD() < 0 { // it has ended already
		k.retire(m)
		k.count--
		k.endedUnused(m)
		return
	}
	err := k.poll.add(w.FD(), func() { k.hearFrom(m) })
	if err == nil {
		err = k.poll.add(w.PidFD(), func() { k.lookAt(m) })
	}
	if err != nil {
		k.poll.remove(w.FD())
		k.retire(m)
		k.count--
		k.noWorker(&outcome.Problem{Kind: outcome.Died, Text: "a new worker is of no use: " + err.Error()})
		return
	}
	k.members = append(k.members, m)
	k.idle = append([]*member{m}, k.idle...) // those that have worked come first
	k.statusDue = true
	k.isReady()
}

// dispatch gives the requests that wait to workers.
func (k *keeper) dispatch() {
	for len(k.queue) > 0 {
		j := k.queue[0]
		if k.now.Sub(j.Arrived) > patientClient && j.Conn.Gone() {
			k.queue = k.queue[1:]
			k.left(j)
			continue
		}
		m := k.taker()
		if m == nil {
			return
		}
		j.last = k.cfg.MaxRequests > 0 && m.done+int64(len(m.jobs))+1 >= int64(k.cfg.MaxRequests)
		k.numbers++
		j.number = k.numbers
		k.msg = worker.AppendJob(k.msg[:0], &worker.Job{Number: j.number, Params: j.Params, Body: j.Body, ID: j.ID, Last: j.last})
		if err := m.Send(k.msg, j.Conn.FD(), j.Body.File); err != nil {
			if len(m.jobs) > 0 && errors.Is(err, unix.EAGAIN) {
				return // it is too large to wait there
			}
			if child.Exhausted(err) || errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ETOOMANYREFS) { // which is not the worker's fault
				k.queue = k.queue[1:]
				k.failed(j, outcome.Result{Problem: &outcome.Problem{Kind: outcome.Busy, Text: err.Error()}})
				continue
			}
			if len(m.jobs) > 0 {
				m.shut = true // what becomes of those is known in a moment
				continue
			}
			k.expel(m) // it is about to end, or should be
			go m.Kill()
			k.retire(m)
			continue
		}
		k.queue = k.queue[1:]
		m.jobs = append(m.jobs, j)
		if len(m.jobs) == 1 {
			m.begun = k.now
			k.idle = slices.DeleteFunc(k.idle, func(i *member) bool { return i == m })
		}
	}
}

// taker returns a worker that can take another job, nil if there is none.
func (k *keeper) taker() *member {
	if n := len(k.idle); n > 0 {
		return k.idle[n-1] // whose memory was used last
	}
	var best *member
	for _, m := range k.members {
		n := len(m.jobs)
		if n > 0 && n <= ahead && m.version == k.version && !m.killed && !m.shut && k.now.Sub(m.begun) < quick &&
			!m.jobs[n-1].last && (best == nil || n < len(best.jobs)) {
			best = m
		}
	}
	return best
}

// mostHeard is how many jobs a worker may say to be done before others are heard.
const mostHeard = 16

// hearFrom takes a worker's reports. Where there are more it is called again.
func (k *keeper) hearFrom(m *member) {
	for range mostHeard {
		var rep worker.Report
		done, closed := m.Next(&rep, k.buf)
		if len(rep.Files) > 0 {
			k.imported(rep.Files)
			if m.version == k.version {
				k.compare(rep.Files)
			}
		}
		if !done {
			// Of a job that is not done all has been said: that the application failed comes
			// together with the end.
			if rep.Problem != nil && len(m.jobs) > 0 {
				m.jobs[0].problem = rep.Problem
			}
			if closed {
				k.deaf(m)
			}
			return
		}
		if begun, _ := m.State(); len(m.jobs) == 0 || begun <= m.done {
			continue // it has not begun with what it reports as done
		}
		j := m.jobs[0]
		if rep.Problem == nil {
			rep.Problem = j.problem
		}
		m.jobs = m.jobs[:copy(m.jobs, m.jobs[1:])]
		m.done++
		k.served++
		k.early = 0
		if m.done == 1 {
			k.works() // so new ones are of use
		}
		k.statusDue = true
		begun := m.begun
		m.begun = k.now
		k.done(j, rep.Result, begun)
		switch {
		case m.version != k.version || j.last ||
			k.cfg.MaxMemory > 0 && rep.Resident > k.cfg.MaxMemory:
			k.retireIdle(m)
			return
		case len(m.jobs) == 0:
			if !m.killed {
				k.idle = append(k.idle, m)
			}
			return
		}
	}
}

// deaf ends a worker that has closed the socket on which it takes jobs, and goes on.
func (k *keeper) deaf(m *member) {
	k.poll.remove(m.FD()) // which stays readable
	if !m.killed {
		m.fault = "a worker takes no more requests: the application has opened too many files, or shut down the socket for that"
		k.idle = slices.DeleteFunc(k.idle, func(i *member) bool { return i == m })
		if begun, _ := m.State(); len(m.jobs) == 0 || begun <= m.done { // else the request's record has it
			k.problem(gateway.Error, m.fault)
		}
		k.kill(m)
	}
}

// takeBack takes back what waits in the socket of a worker that is at a job, and tells
// whether there was something.
func (k *keeper) takeBack(m *member) bool {
	begun, _ := m.State()
	if len(m.jobs) < 2 || begun <= m.done { // it may not have received its own yet
		return false
	}
	return k.takeBackFrom(m, 1)
}

// takeBackFrom takes back all that a worker has not received of its jobs, but n at least stay
// with it.
func (k *keeper) takeBackFrom(m *member, n int) bool {
	var back []*job
	for len(m.jobs) > n {
		number, ok := m.TakeBack()
		// Not the last ones: it may receive one that was sent behind what is taken back here.
		i := slices.IndexFunc(m.jobs, func(j *job) bool { return ok && j.number == number })
		if i < 0 {
			break
		}
		back = append(back, m.jobs[i])
		m.jobs = slices.Delete(m.jobs, i, i+1)
	}
	k.requeue(back...)
	return len(back) > 0
}

// requeue has jobs wait for a worker once more, before all others.
func (k *keeper) requeue(jobs ...*job) {
	k.queue = slices.Insert(k.queue, 0, jobs...)
}

// retireIdle ends a worker that is at no job.
func (k *keeper) retireIdle(m *member) {
	if k.takeBackFrom(m, 0); len(m.jobs) > 0 {
		return // it has begun with the next one: after that
	}
	k.expel(m)
	k.retire(m)
}

// expel takes a worker out of the pool.
func (k *keeper) expel(m *member) {
	k.poll.remove(m.FD())
	k.poll.remove(m.PidFD())
	isIt := func(i *member) bool { return i == m }
	k.members = slices.DeleteFunc(k.members, isIt)
	k.idle = slices.DeleteFunc(k.idle, isIt)
	if m.version == k.version {
		k.count--
	}
	k.statusDue = true
}

// retire ends a worker, and waits for that elsewhere.
func (k *keeper) retire(m *member) {
	go func() {
		m.Retire(retireGrace)
		m.Close()
		k.mail.post(func() { k.alive-- })
	}()
}

// kill ends a worker whose job takes too long.
func (k *keeper) kill(m *member) {
	m.killed = true
	k.takeBack(m)
	go m.Kill()
}

// lookAt sees whether a worker has ended, and if so what becomes of its jobs.
func (k *keeper) lookAt(m *member) {
	fds := []unix.PollFd{{Fd: int32(m.PidFD()), Events: unix.POLLIN}}
	if n, _ := poll.Now(fds); n <= 0 || !slices.Contains(k.members, m) {
		return
	}
	k.hearFrom(m) // it may have said something
	if !slices.Contains(k.members, m) {
		return
	}
	k.expel(m)
	jobs := m.jobs
	begun, status := m.State()
	if begun <= m.done {
		status = 0 // that is the last one's
	}
	switch {
	case len(jobs) == 0:
		k.endedWaiting(m)
	case begun > m.done || m.killed && m.fault == "": // also one that has hung before it began
		k.lost(m, jobs[0], status)
		jobs = jobs[1:]
	default:
		// It was killed while it waited, or could take no other: that
		// is not this request's fault.
		if jobs[0].tries++; jobs[0].tries >= mostTries {
			k.lost(m, jobs[0], 0)
			jobs = jobs[1:]
		}
		k.endedWaiting(m)
	}
	k.requeue(jobs...)
	k.retire(m)
}

// lost ends a request whose worker has died of it.
func (k *keeper) lost(m *member, j *job, status int) {
	j.Queued, j.Service = m.begun.Sub(j.Arrived), k.now.Sub(m.begun)
	res := outcome.Result{Status: status}
	if status != 0 {
		res.End = outcome.Cut
	}
	if m.fault != "" {
		res.Problem = &outcome.Problem{Kind: outcome.Died, Text: m.fault}
		k.failed(j, res)
		return
	}
	if m.killed {
		res.Problem = &outcome.Problem{Kind: outcome.Timeout, Text: "no end of the response after " + k.cfg.Timeout.String()}
		k.failed(j, res)
		return
	}
	k.whenEnded(m, func(how string) {
		res.Problem = &outcome.Problem{Kind: outcome.Died, Text: how}
		k.failed(j, res)
	})
}

// endingProcess is a worker, or the process that they are forked from.
type endingProcess interface {
	Ended() <-chan struct{}
	Ending() string
}

// endedWaiting notes that a worker has ended while it was at no request.
func (k *keeper) endedWaiting(m *member) {
	if m.done == 0 {
		k.endedUnused(m)
		return
	}
	k.endedIdle(m)
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
	go func() {
		how := "a process ended"
		select { // the process that has forked it will tell
		case <-p.Ended():
			how = p.Ending()
		case <-time.After(endedTime):
		}
		k.mail.post(func() { f(how) })
	}()
}

// stopQueue answers the requests that wait when no worker will come to them any more.
func (k *keeper) stopQueue() {
	for _, j := range k.queue {
		k.failed(j, outcome.Result{Problem: &outcome.Problem{Kind: outcome.Died, Text: "the service was stopped while the request waited"}})
	}
	k.queue = nil
}

// stopWorkers sends a signal to all that are at a job.
func (k *keeper) stopWorkers(sig syscall.Signal) {
	for _, m := range k.members {
		if len(m.jobs) > 0 {
			m.Signal(sig)
		}
	}
}
