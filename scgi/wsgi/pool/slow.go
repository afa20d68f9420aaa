package pool

import (
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// This file is the slow lane: requests that are large, slow, unusual or malformed, or for which no
// worker was free. They are read here, queued, and sent to the first free worker.

// slowLane is the part of a keeper that handles these requests.
type slowLane struct {
	door    *worker.Door
	hearing bool // a goroutine waits for connections from the door
	most    int  // the limit of open
	open    int  // connections that are held
	queue   []*job
	given   []*job    // jobs in the door or at a worker, in the order of sending
	numbers uint32    // the number of the last job
	findAt  time.Time // the next search for lost jobs
}

// job is a request of the slow lane.
type job struct {
	gateway.Request
	deadline time.Time // for a worker to take it
	taken    bool      // by a worker, as far as is known
	number   uint32    // of the message that was sent last
	tries    int       // workers that took it and died before they began it
}

const (
	// mostTries is the limit of job.tries.
	mostTries = 3
	// findInterval is the time between two searches for lost jobs.
	findInterval = 5 * time.Millisecond
	// patientClient is the time that a request is queued before its client is checked: it may
	// have closed the connection.
	patientClient = 50 * time.Millisecond
)

// hearDoor takes the connections that workers pass on, up to the limit. Further ones wait in the
// door, or their workers do.
func (k *keeper) hearDoor() {
	if k.hearing || k.open >= k.most {
		return
	}
	k.hearing = true
	k.whenever(func() bool {
		for k.open < k.most {
			passed, err := k.door.Receive(k.buf)
			var errno unix.Errno
			switch {
			case err == unix.EAGAIN:
				return true
			case err == unix.EMFILE && k.open > 0:
				k.hearing = false // until gone, when a descriptor is free
				return false
			case err == unix.EMFILE:
				k.exhausted(os.NewSyscallError("receiving a connection", err))
				return false
			case errors.As(err, &errno):
				k.hearing = false
				k.doorShut()
				return false
			case err != nil:
				k.problem(gateway.Warning, err.Error())
			case passed.Served != nil:
				k.open++
				go k.answerFor(passed)
			default:
				k.arrive(passed.FD)
			}
		}
		k.hearing = false // until gone
		return false
	}, k.door.FD())
}

// exhausted stops the service: descriptors or memory are exhausted, and there is no request whose end
// would free any.
func (k *keeper) exhausted(err error) {
	k.failure = err
	k.stop()
}

// doorShut replaces the door and all workers, after the application has shut down the socket that they
// share.
func (k *keeper) doorShut() {
	k.problem(gateway.Error, "the application shut down the socket that its workers share: all workers are replaced")
	door, err := worker.NewDoor()
	if err != nil {
		k.exhausted(err)
		return
	}
	k.recall()
	k.door.Close()
	k.door = door
	cfg, warm := *k.config, *k.config.Warm
	warm.Door, cfg.Warm = door, &warm
	k.config = &cfg
	k.replace()
	k.hearDoor()
}

// answerFor sends the response to a request whose application has failed in a worker, or cuts off the
// response that the worker has begun.
func (k *keeper) answerFor(passed worker.Passed) {
	s := passed.Served
	r := k.cfg.Gateway.NewRequest(passed.FD, time.Now())
	r.Subject, r.Service = gateway.Subject{ID: s.ID, Method: s.Method, Path: s.Path}, s.Took
	res := r.Fail(s.Result)
	r.Finish()
	k.cfg.Gateway.Log.Record(r.WarmRecord(res, s.Took))
	k.post(k.gone)
}

// arrive reads the request of a connection. Most have sent all of it already.
func (k *keeper) arrive(fd int) {
	k.open++
	k.asked = k.now
	j := &job{Request: k.cfg.Gateway.NewRequest(fd, k.now)}
	if err := j.CheckPeer(); err != nil {
		go k.refuse(j, err)
		return
	}
	switch err := j.ReadReady(k.buf); err {
	case nil:
		k.enqueue(j)
	case scgi.ErrNoHeader, scgi.ErrNoBody:
		go k.listen(j)
	default:
		go k.refuse(j, err)
	}
}

// listen waits for the rest of a request.
func (k *keeper) listen(j *job) {
	if err := j.Read(); err != nil {
		k.refuse(j, err)
		return
	}
	k.post(func() { k.enqueue(j) })
}

// refuse answers a request that never reaches the application.
func (k *keeper) refuse(j *job, err error) {
	if err == io.EOF {
		j.Conn.Close() // a probe: connected and closed
	} else {
		j.Refuse(err)
	}
	k.end(j)
}

// end frees a request. It is called by other goroutines than the keeper's.
func (k *keeper) end(j *job) {
	j.CloseBody()
	k.post(k.gone)
}

// gone records that a connection is closed.
func (k *keeper) gone() {
	k.open--
	k.asked = k.now
	k.hearDoor()
}

// enqueue puts a request into the queue.
func (k *keeper) enqueue(j *job) {
	j.Arrived = k.now
	if k.hopeless() {
		k.failed(j, outcome.Result{Problem: k.why()})
		return
	}
	j.deadline = j.Arrived.Add(k.cfg.Gateway.QueueTimeout)
	k.queue = append(k.queue, j)
	k.statusDue = true
	k.lookSoon()
}

// dispatch sends queued requests through the door: not many more than there are workers, because
// recall takes them back one by one.
func (k *keeper) dispatch() {
	for len(k.queue) > 0 && len(k.given) < 2*k.cfg.Workers*k.atOnce() {
		j := k.queue[0]
		if k.now.Sub(j.Arrived) > patientClient && j.Conn.Gone() {
			k.queue = k.queue[1:]
			k.left(j)
			continue
		}
		if k.numbers++; k.numbers == 0 {
			k.numbers = 1
		}
		j.number = k.numbers
		k.msg = worker.AppendJob(k.msg[:0], &worker.Job{Number: j.number, Params: j.Params, Body: j.Body, ID: j.ID, Patience: k.cfg.Gateway.SendTimeout})
		err := k.door.Send(k.msg, j.Conn.FD(), j.Body.File)
		if errors.Is(err, unix.EAGAIN) && len(k.given) > 0 {
			return // until a job is done
		}
		k.queue = k.queue[1:]
		if err != nil {
			k.failed(j, outcome.Result{Problem: &outcome.Problem{Kind: outcome.Busy, Text: err.Error()}})
			continue
		}
		j.taken = false
		k.given = append(k.given, j)
	}
}

// atOnce returns the number of requests that a worker answers at once.
func (k *keeper) atOnce() int {
	if len(k.members) > 0 && k.members[0].state.Many {
		return k.config.Warm.Concurrency
	}
	return 1
}

// take removes a job from given, and returns it; nil: there is no such job.
func (k *keeper) take(number uint32) *job {
	i := slices.IndexFunc(k.given, func(j *job) bool { return j.number == number })
	if i < 0 {
		return nil
	}
	j := k.given[i]
	k.given = slices.Delete(k.given, i, i+1)
	return j
}

// recall takes the jobs that no worker has taken back into the queue.
func (k *keeper) recall() {
	var back []*job
	for {
		number, ok := k.door.TakeBack()
		if !ok {
			break
		}
		if j := k.take(number); j != nil {
			back = append(back, j)
		}
	}
	k.queue = slices.Insert(k.queue, 0, back...)
	for _, j := range k.given {
		j.taken = true
	}
}

// waiting returns the request that has waited longest for a worker; nil: none waits.
func (k *keeper) waiting() *job {
	if i := slices.IndexFunc(k.given, func(j *job) bool { return !j.taken }); i >= 0 {
		return k.given[i]
	}
	if len(k.queue) > 0 {
		return k.queue[0]
	}
	return nil
}

// refuseQueued answers requests that no worker has taken in time.
func (k *keeper) refuseQueued() {
	k.recall()
	if len(k.queue) > 0 && !k.now.Before(k.queue[0].deadline) {
		k.killIdlers()
	}
	for len(k.queue) > 0 && !k.now.Before(k.queue[0].deadline) {
		j := k.queue[0]
		k.queue = k.queue[1:]
		j.Queued = k.now.Sub(j.Arrived)
		go func() {
			res := j.NotQueued(gateway.ErrQueueTimeout)
			k.cfg.Gateway.Log.Record(j.WarmRecord(res, j.Queued))
			k.end(j)
		}()
	}
}

// killIdlers kills workers with an event loop that have no request, and have not taken one that was queued
// for QueueTimeout: the application has closed the descriptor that wakes the loop for it.
func (k *keeper) killIdlers() {
	for _, m := range k.members {
		// Since its last turn it has begun nothing, so that it has not just completed a request.
		if s := m.State(); s.Many && !s.Busy() && !s.Taking && k.now.Sub(s.Turn) > blockedTime && m.counts && !m.silent {
			const text = "a worker without a request takes none: the application may have closed a descriptor of its event loop"
			k.problem(gateway.Error, text)
			k.kill(m, &outcome.Problem{Kind: outcome.Died, Text: text})
		}
	}
}

// done ends a job that a worker has reported as done.
func (k *keeper) done(j *job, res outcome.Result, took time.Duration) {
	j.Queued, j.Service = max(0, k.now.Sub(j.Arrived)-took), took
	if res.Problem != nil || res.End != outcome.Whole {
		k.failed(j, res)
		return
	}
	k.cfg.Records.Record(j.WarmRecord(res, k.now.Sub(j.Came)))
	go func() {
		j.Finish()
		k.end(j)
	}()
}

// failed sends the response to a job that failed, or cuts off the response that its worker has begun.
func (k *keeper) failed(j *job, res outcome.Result) {
	took := k.now.Sub(j.Came)
	res.Problem = k.explain(res.Problem)
	go func() {
		res := j.Fail(res)
		j.Finish()
		k.cfg.Gateway.Log.Record(j.WarmRecord(res, took))
		k.end(j)
	}()
}

// explain adds to a problem that the service is being stopped, if that is why a process died.
func (k *keeper) explain(problem *outcome.Problem) *outcome.Problem {
	if k.stopping != nil && problem != nil && problem.Kind == outcome.Died {
		return problem.Stopped()
	}
	return problem
}

// left ends a queued request whose client has closed the connection.
func (k *keeper) left(j *job) {
	j.Queued = k.now.Sub(j.Arrived)
	j.Conn.Close()
	j.CloseBody()
	k.cfg.Records.Record(j.WarmRecord(outcome.Result{End: outcome.Left}, k.now.Sub(j.Came)))
	k.gone()
}

// failQueue fails the queued requests, and returns whether there were any.
func (k *keeper) failQueue(problem *outcome.Problem) (some bool) {
	k.recall()
	for _, j := range k.queue {
		some = true
		j.Queued = k.now.Sub(j.Arrived)
		k.failed(j, outcome.Result{Problem: problem})
	}
	k.queue = nil
	return some
}

// findLost is find at its deadline.
func (k *keeper) findLost() {
	k.findAt = time.Time{}
	k.find()
}

// find searches for lost jobs: a worker that was killed had received the message, but had not begun.
// They are queued again.
func (k *keeper) find() {
	if len(k.given) == 0 {
		return
	}
	k.recall()
	has := map[uint32]bool{}
	for _, m := range k.members {
		s := m.State()
		if s.Taking { // the worker is about to begin a job, or has just completed one
			k.findAt = k.now.Add(findInterval)
			return
		}
		for _, r := range s.Requests {
			has[r.Job] = true
		}
	}
	for _, m := range slices.Clone(k.members) {
		k.hearFrom(m) // removes completed jobs from given
	}
	for _, j := range slices.Clone(k.given) {
		if has[j.number] {
			continue
		}
		k.take(j.number)
		if j.tries++; j.tries < mostTries {
			k.queue = slices.Insert(k.queue, 0, j)
			continue
		}
		k.failed(j, outcome.Result{Problem: &outcome.Problem{Kind: outcome.Died, Text: "each worker that received the request ended before it began with it"}})
	}
}
