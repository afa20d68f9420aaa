package journal

import (
	"strconv"
	"sync/atomic"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
)

// Recorder writes the records of requests to the log beside what answers them: a journal that
// takes its time, or that is stopped, holds nobody up. Then records are left out, and
// counted.
type Recorder struct {
	log     *Log
	records chan *gateway.Record
	left    atomic.Int64
	done    chan struct{}
}

// mostRecords is how many records wait for the journal.
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
				Text: strconv.FormatInt(n, 10) + " records of requests are left out: the journal was too slow"})
		}
	}
}

// Record has a record written, and never waits.
func (r *Recorder) Record(rec gateway.Record) {
	if !r.log.wants(&rec) {
		return
	}
	held := rec // what is left out needs no memory
	select {
	case r.records <- &held:
	default:
		r.left.Add(1)
	}
}

// Flush waits, for at most a second, until all records are written. There may be no others
// after it.
func (r *Recorder) Flush() {
	close(r.records)
	select {
	case <-r.done:
	case <-time.After(time.Second):
	}
}
