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

// This file is the way of a request that no worker has accepted and served by itself: one that is
// large, slow, unusual or malformed, or for which no worker was free. It is read here, queued, and
// given to the worker that is free first.

// slowLane is the part of a keeper that has such requests.
type slowLane struct {
	door    *worker.Door
	hearing bool // connections come through the door
	most    int  // connections that are held at once
	open    int  // those that are
	queue   []*job
	given   []*job    // what is on its way through the door, or with a worker; in order
	numbers uint32    // of jobs
	findAt  time.Time // when to look for lost ones again
}

// job is a request on its way to a worker, and back.
type job struct {
	gateway.Request
	deadline time.Time        // for a worker to take it
	taken    bool             // by a worker, as far as is known
	problem  *outcome.Problem // what its worker has said of it so far
	number   uint32           // of the message by which it was
	tries    int              // workers that had it and did not begin with it
}

const (
	// mostTries is how many workers may die of a request before they begin with it.
	mostTries = 3
	// findInterval is how soon lost jobs are looked for again.
	findInterval = 5 * time.Millisecond
	// patientClient is how long a request waits until it is checked whether its client does.
	patientClient = 50 * time.Millisecond
)

// hearDoor takes the connections that workers pass on, as long as there may be more. Others wait
// in the door, and their workers with them.
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
				k.hearing = false // until one is gone, and its descriptor
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
		k.hearing = false // until one is gone
		return false
	}, k.door.FD())
}

// exhausted ends: no descriptor, or no memory, is left, and with no request to wait for, none will be.
func (k *keeper) exhausted(err error) {
	k.failure = err
	k.stop()
}

// doorShut makes another door, and other workers, which have it: the application has shut down the
// socket that all of its workers had.
func (k *keeper) doorShut() {
	k.problem(gateway.Error, "the application has shut down the socket through which its workers take requests: they are replaced")
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

// answerFor answers in the place of a worker whose application has failed, or breaks off what it
// has begun.
func (k *keeper) answerFor(passed worker.Passed) {
	s := passed.Served
	r := k.cfg.Gateway.NewRequest(passed.FD, time.Now())
	r.Subject, r.Service = gateway.Subject{ID: s.ID, Method: s.Method, Path: s.Path}, s.Took
	res := r.Fail(s.Result)
	r.Finish()
	k.cfg.Gateway.Log.Record(r.WarmRecord(res, s.Took))
	k.post(k.gone)
}

// arrive reads what a connection asks. Most have sent their request already.
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

// listen waits for all of a request.
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

// end ends a request, in a goroutine of its own.
func (k *keeper) end(j *job) {
	j.CloseBody()
	k.post(k.gone)
}

// gone notes that a connection is closed.
func (k *keeper) gone() {
	k.open--
	k.asked = k.now
	k.hearDoor()
}

// enqueue has a request wait for a worker.
func (k *keeper) enqueue(j *job) {
	j.Arrived = k.now
	if k.hopeless() {
		k.failed(j, outcome.Result{Problem: &outcome.Problem{Kind: outcome.Busy, Text: k.why()}})
		return
	}
	j.deadline = j.Arrived.Add(k.cfg.Gateway.QueueTimeout)
	k.queue = append(k.queue, j)
	k.statusDue = true
	k.lookSoon()
}

// dispatch gives the requests that wait away: not many more than there are workers, as those are
// taken back one by one when it takes too long.
func (k *keeper) dispatch() {
	for len(k.queue) > 0 && len(k.given) < 2*k.cfg.Workers {
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
			return // until one is done
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

// take removes a job from those that were given away, and returns it; nil: it is none of them.
func (k *keeper) take(number uint32) *job {
	i := slices.IndexFunc(k.given, func(j *job) bool { return j.number == number })
	if i < 0 {
		return nil
	}
	j := k.given[i]
	k.given = slices.Delete(k.given, i, i+1)
	return j
}

// recall has all jobs wait here again that no worker has taken.
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

// waiting is the request that has waited longest for a worker, nil if there is none.
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

// done ends a response that a worker has sent.
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

// failed answers a request in the place of a worker, or ends what that has begun.
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

// explain has a problem tell that the service is being stopped, where that is why a process died.
func (k *keeper) explain(problem *outcome.Problem) *outcome.Problem {
	if k.stopping != nil && problem != nil && problem.Kind == outcome.Died {
		return problem.Stopped()
	}
	return problem
}

// left ends a request whose client has left.
func (k *keeper) left(j *job) {
	j.Queued = k.now.Sub(j.Arrived)
	j.Conn.Close()
	j.CloseBody()
	k.cfg.Records.Record(j.WarmRecord(outcome.Result{End: outcome.Left}, k.now.Sub(j.Came)))
	k.gone()
}

// failQueue answers the requests that wait when no worker will come to them.
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

// findLost looks for lost jobs again.
func (k *keeper) findLost() {
	k.findAt = time.Time{}
	k.find()
}

// find looks for jobs that have gone with a worker that was killed while the kernel handed them
// over: no worker has them, and nothing was begun.
func (k *keeper) find() {
	if len(k.given) == 0 {
		return
	}
	k.recall()
	has := map[uint32]bool{}
	for _, m := range k.members {
		s := m.State()
		if s.Taking { // it may have one, or be done with it
			k.findAt = k.now.Add(findInterval)
			return
		}
		has[s.Job] = true
	}
	for _, m := range slices.Clone(k.members) {
		k.hearFrom(m) // one that is done is no longer given
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
		k.failed(j, outcome.Result{Problem: &outcome.Problem{Kind: outcome.Died, Text: "each of its workers ended before it began"}})
	}
}
