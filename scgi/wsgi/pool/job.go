package pool

import (
	"io"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/outcome"
)

// job is a request on its way to a warm worker, and back.
type job struct {
	gateway.Request
	deadline time.Time        // for what it waits for now: the request, or a worker
	problem  *outcome.Problem // what its worker has said of it so far
	number   uint32           // of the message by which it was handed over
	last     bool             // it was handed over as the last one of its worker
	tries    int              // workers that it was given to and that did not begin with it
}

// mostTries is how many workers may die of a request before they begin with it.
const mostTries = 3

// arrive takes a connection. Most have sent their request already.
func (k *keeper) arrive(fd int) {
	k.open++
	k.asked = k.now
	j := &job{Request: k.cfg.Gateway.NewRequest(fd, k.now)}
	if err := j.CheckPeer(); err != nil {
		go k.refuse(j, err)
		return
	}
	if !k.hear(j) {
		k.fresh = append(k.fresh, j) // it is about to
	}
}

// await waits for those that have not. They are looked at once more, because that costs less.
func (k *keeper) await() {
	for _, j := range k.fresh {
		if k.hear(j) {
			continue
		}
		j.deadline = k.now.Add(k.cfg.Gateway.Limits.HeaderTimeout)
		place := k.silent.PushBack(j)
		if err := k.poll.addEdge(j.Conn.FD(), func() {
			if k.hear(j) {
				k.silent.Remove(place)
			}
		}); err != nil {
			k.silent.Remove(place)
			go k.listen(j)
		}
	}
	k.fresh = k.fresh[:0]
}

// hear takes the request when its header is there; a body that isn't is waited for
// elsewhere.
func (k *keeper) hear(j *job) bool {
	err := j.ReadReady(k.buf)
	if err == scgi.ErrNoHeader && !j.Conn.Ended() {
		return false
	}
	k.poll.remove(j.Conn.FD())
	switch err {
	case scgi.ErrNoHeader, scgi.ErrNoBody:
		go k.listen(j)
	case io.EOF:
		j.Conn.Close() // a probe: connected and closed
		k.gone()
	case nil:
		k.enqueue(j)
	default:
		go k.refuse(j, err)
	}
	return true
}

// listen waits for all of a request, and posts it.
func (k *keeper) listen(j *job) {
	switch err := j.Read(); err {
	case nil:
		k.mail.post(func() { k.enqueue(j) })
	case io.EOF:
		j.Conn.Close()
		k.mail.post(k.gone)
	default:
		k.refuse(j, err)
	}
}

// refuse answers a request that never reaches the application.
func (k *keeper) refuse(j *job, err error) {
	j.Refuse(err)
	k.over(j)
}

// gone notes that a connection is closed.
func (k *keeper) gone() {
	k.open--
	k.room = k.most
	k.asked = time.Now()
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
}

// done ends a response that a worker has sent.
func (k *keeper) done(j *job, res outcome.Result, begun time.Time) {
	j.Queued, j.Service = begun.Sub(j.Arrived), k.now.Sub(begun)
	if res.Problem != nil || res.End != outcome.Whole {
		k.failed(j, res)
		return
	}
	j.CloseBody()
	k.cfg.Records.Record(j.WarmRecord(res, k.now.Sub(j.Came)))
	if j.Conn.FinishNow(k.buf) {
		k.gone()
		return
	}
	go func() {
		j.Finish()
		k.mail.post(k.gone)
	}()
}

// failed answers a request in the place of a worker, or ends what that has begun.
func (k *keeper) failed(j *job, res outcome.Result) {
	took := k.now.Sub(j.Came)
	if k.stopping != nil && res.Problem != nil && res.Problem.Kind == outcome.Died {
		res.Problem = res.Problem.Stopped()
	}
	go func() {
		res := j.Fail(res)
		j.Finish()
		k.cfg.Gateway.Log.Record(j.WarmRecord(res, took))
		k.over(j)
	}()
}

// left ends a request whose client has left.
func (k *keeper) left(j *job) {
	j.Queued = k.now.Sub(j.Arrived)
	j.CloseBody()
	j.Conn.Close()
	k.cfg.Records.Record(j.WarmRecord(outcome.Result{End: outcome.Left}, k.now.Sub(j.Came)))
	k.gone()
}

// over ends a request in a goroutine of its own.
func (k *keeper) over(j *job) {
	j.CloseBody()
	k.mail.post(k.gone)
}
