package main

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/socketgi/socketgi/scgi/child"
)

// recorder writes the records of requests to the log beside what answers them: a journal that
// takes its time, or that is stopped, holds nobody up. Then records are left out, and
// counted.
type recorder struct {
	log     *logger
	records chan func()
	left    atomic.Int64
	done    chan struct{}
}

// mostRecords is how many records wait for the journal.
const mostRecords = 1024

func newRecorder(log *logger) *recorder {
	r := &recorder{log: log, records: make(chan func(), mostRecords), done: make(chan struct{})}
	go r.write()
	return r
}

func (r *recorder) write() {
	defer close(r.done)
	for record := range r.records {
		r.log.wait()
		record()
		if n := r.left.Swap(0); n > 0 {
			r.log.write(prioWarning, strconv.FormatInt(n, 10)+" records of requests are left out: the journal was too slow",
				field{"MESSAGE_ID", msgProblem})
		}
	}
}

func (r *recorder) add(req *request, res child.Result, took time.Duration) {
	if !req.cfg.recorded(res) {
		return
	}
	select {
	case r.records <- func() { req.record(res, child.UsageOf(0, res.CPU, 0), took) }:
	default:
		r.left.Add(1)
	}
}

// flush waits, for a while, until all records are written. There are no others after it.
func (r *recorder) flush() {
	close(r.records)
	select {
	case <-r.done:
	case <-time.After(time.Second):
	}
}
