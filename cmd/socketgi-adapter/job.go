package main

import (
	"io"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/child"
)

// job is a request on its way to a worker that stays, and back.
type job struct {
	request
	params   []scgi.Header
	body     scgi.Body
	came     time.Time      // when the connection was accepted
	arrived  time.Time      // when the request was there
	deadline time.Time      // for what it waits for now: the request, or a worker
	problem  *child.Problem // what its worker has said of it so far
	number   uint32         // of the message by which it was handed over
	last     bool           // it was handed over as the last one of its worker
	tries    int            // workers that it was given to and that did not begin with it
}

// mostTries is how many workers may die of a request before they begin with it.
const mostTries = 3

// arrive takes a connection. Most have sent their request already.
func (k *keeper) arrive(fd int) {
	k.open++
	k.asked = k.now
	j := &job{request: request{cfg: k.cfg, log: k.log, conn: newConn(k.cfg, fd), stays: true}, came: k.now}
	if why := k.cfg.peers.check(fd); why != nil {
		go func() {
			j.forbid(why)
			k.mail.post(k.gone)
		}()
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
		j.deadline = k.now.Add(k.cfg.limits.HeaderTimeout)
		place := k.silent.PushBack(j)
		if err := k.poll.addEdge(j.conn.FD(), func() {
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
	req, err := j.conn.ReadReady(k.buf, &k.cfg.limits)
	if err == scgi.ErrNoHeader && !j.conn.Ended() {
		return false
	}
	k.poll.remove(j.conn.FD())
	switch err {
	case scgi.ErrNoHeader, scgi.ErrNoBody:
		go k.listen(j)
		return true
	case io.EOF:
		j.conn.Close() // somebody looked whether we are there
		k.gone()
		return true
	}
	if err := k.understand(j, req, err); err != nil {
		go k.refuse(j, err)
		return true
	}
	k.enqueue(j)
	return true
}

// understand makes a job of what was read.
func (k *keeper) understand(j *job, req *scgi.Request, err error) error {
	if err != nil {
		return err
	}
	if j.params, err = req.Params(k.cfg.mount); err != nil {
		return err
	}
	j.body = req.Body
	j.describe(j.params)
	return nil
}

// listen waits for all of a request, and posts it.
func (k *keeper) listen(j *job) {
	limits := k.cfg.limits
	limits.HeaderTimeout = max(time.Millisecond, limits.HeaderTimeout-time.Since(j.came))
	req, err := scgi.ReadRequest(j.conn, &limits)
	if err == io.EOF {
		j.conn.Close()
		k.mail.post(k.gone)
		return
	}
	if err := k.understand(j, req, err); err != nil {
		if req != nil && req.Body.File != nil {
			req.Body.File.Close()
		}
		k.refuse(j, err)
		return
	}
	k.mail.post(func() { k.enqueue(j) })
}

// refuse answers a request that never reaches the application.
func (k *keeper) refuse(j *job, err error) {
	j.reject(err)
	k.mail.post(k.gone)
}

// neverSpoke ends a connection without a request.
func (k *keeper) neverSpoke(j *job) {
	k.poll.remove(j.conn.FD())
	go k.refuse(j, scgi.ErrHeaderTimeout)
}

// gone notes that a connection is closed.
func (k *keeper) gone() {
	k.open--
	k.room = k.most
	k.asked = time.Now()
}

// enqueue has a request wait for a worker.
func (k *keeper) enqueue(j *job) {
	j.arrived = k.now
	if k.hopeless() {
		k.failed(j, child.Result{Problem: &child.Problem{Kind: child.Busy, Text: k.why()}})
		return
	}
	j.deadline = j.arrived.Add(k.cfg.queueTimeout)
	k.queue = append(k.queue, j)
	k.news = true
}

// tooLate answers a request for which no worker became free in time.
func (k *keeper) tooLate(j *job) {
	j.queued = k.now.Sub(j.arrived)
	go func() {
		j.busy(errBusy)
		k.over(j)
	}()
}

// done ends a response that a worker has sent.
func (k *keeper) done(j *job, res child.Result, begun time.Time) {
	j.queued, j.service = begun.Sub(j.arrived), k.now.Sub(begun)
	if res.Problem != nil || res.End != child.Whole {
		k.failed(j, res)
		return
	}
	j.closeBody()
	k.records.add(&j.request, res, k.now.Sub(j.came))
	if j.conn.FinishNow(k.buf) {
		k.gone()
		return
	}
	go func() {
		j.conn.Finish(linger)
		k.mail.post(k.gone)
	}()
}

// failed answers a request in the place of a worker, or ends what that has begun.
func (k *keeper) failed(j *job, res child.Result) {
	took := k.now.Sub(j.came)
	stopped := k.stopping != nil && res.Problem != nil && res.Problem.Kind == child.Died
	go func() {
		res := j.fail(res, stopped)
		j.conn.Finish(linger)
		j.record(res, child.UsageOf(0, res.CPU, 0), took)
		k.over(j)
	}()
}

// left notes that nobody waits for the answer any more.
func (k *keeper) left(j *job) {
	j.queued = k.now.Sub(j.arrived)
	j.closeBody()
	j.conn.Close()
	k.records.add(&j.request, child.Result{End: child.Left}, k.now.Sub(j.came))
	k.gone()
}

// over ends a request in a goroutine of its own.
func (k *keeper) over(j *job) {
	j.closeBody()
	k.mail.post(k.gone)
}

func (j *job) closeBody() {
	if j.body.File != nil {
		j.body.File.Close()
	}
}
