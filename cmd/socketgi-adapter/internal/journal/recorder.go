package journal

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
)

// Recorder writes records to the log in the background: a slow journald doesn't delay requests. If the
// buffer is full, records are dropped and counted.
type Recorder struct {
	log     *Log
	records chan *gateway.Record
	left    atomic.Int64
	done    chan struct{}
}

// mostRecords is the size of the buffer.
const mostRecords = 1024

// NewRecorder returns a recorder for a log.
func NewRecorder(log *Log) *Recorder {
	r := &Recorder{log: log, records: make(chan *gateway.Record, mostRecords), done: make(chan struct{})}
	go r.write()
	return r
}

func (r *Recorder) write() {
	defer close(r.done)
	for record := range r.records {
		r.log.wait()
		r.log.Record(*record)
		if n := r.left.Swap(0); n > 0 {
			r.log.Line(gateway.Line{Priority: gateway.Warning,
				Text: strconv.FormatInt(n, 10) + " records of requests were dropped: journald was too slow"})
		}
	}
}

// Record queues a record, and never waits.
func (r *Recorder) Record(rec gateway.Record) {
	if !r.log.wants(&rec) {
		return
	}
	held := rec // a dropped record needs no memory
	select {
	case r.records <- &held:
	default:
		r.left.Add(1)
	}
}

// Flush waits up to a second until all records are written. No record may follow.
func (r *Recorder) Flush() {
	close(r.records)
	select {
	case <-r.done:
	case <-time.After(time.Second):
	}
}
