package gateway

import (
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
)

// Log is where requests are recorded. Its methods may be called by many goroutines, and
// may wait.
type Log interface {
	Recorder
	// Line logs a line, or several that belong together.
	Line(Line)
}

// Recorder takes the records of requests.
type Recorder interface{ Record(Record) }

// Priority is a level of syslog(3).
type Priority int

// The priorities of what is logged here.
const (
	Error   Priority = 3
	Warning Priority = 4
	Notice  Priority = 5
)

// Subject is the request that a line or a record is about. The zero value is none.
type Subject struct {
	// ID is what the web server calls the request (UNIQUE_ID), or else made here.
	ID string
	// Method and Path are as they came: whatever prints them escapes them. Path has no
	// query, which may hold secrets.
	Method, Path string
	// Probe is the value of [Config].ProbeVariable, "" where the request has none.
	Probe string
}

// Line is an entry of the log that is no record.
type Line struct {
	// Priority is how much it matters.
	Priority Priority
	// Text may have several lines.
	Text string
	// About is the request that it is about, if it is about one.
	About Subject
	// Status is the status code of a response to a request that the application never got;
	// 0: it isn't about such a request.
	Status int
	// Event is true of what happens as it should: all else is a problem.
	Event bool
}

// Record is what became of a request.
type Record struct {
	Subject
	// Status is the status code of the response, and 499, as with nginx, where the client left.
	Status int
	// Bytes is the length of the body that was sent.
	Bytes int64
	// Cut tells a response that broke off.
	Cut bool
	// Took is the time from the connection to the end of the response, Queued how much of it
	// the request was in the queue, and Service how much of it a warm worker took.
	Took, Queued, Service time.Duration
	// CPU is the processor time that was used for it.
	CPU time.Duration
	// Warm tells the request of a warm worker from one with a process of its own.
	Warm bool
	// Growth is by how many bytes a warm worker became larger than it ever was.
	Growth int64
	// PeakMemory is the largest resident set of a process of its own, in bytes.
	PeakMemory int64
	// ExitStatus is that of such a process, -1 where it ended by a signal.
	ExitStatus int
}

// Failed tells whether the response was none, not whole, or an error of the server.
func (r *Record) Failed() bool { return r.Status >= 500 || r.Cut }

// Record is the record of the request.
func (r *Request) Record(res outcome.Result, u outcome.Usage, took time.Duration) Record {
	rec := Record{Subject: r.Subject, Status: res.Status, Bytes: res.Bytes, Cut: res.End == outcome.Cut,
		Took: took, Queued: r.Queued, Service: r.Service, CPU: u.CPU, PeakMemory: u.PeakMemory, ExitStatus: u.Status.ExitStatus()}
	if res.End == outcome.Left {
		rec.Status = 499
	}
	return rec
}

// WarmRecord is the record of the request of a warm worker.
func (r *Request) WarmRecord(res outcome.Result, took time.Duration) Record {
	rec := r.Record(res, outcome.Usage{CPU: res.CPU}, took)
	rec.Warm, rec.Growth = true, res.Growth
	return rec
}

// problem logs what is wrong with the request or its answer.
func (r *Request) problem(p Priority, text string) {
	r.config.Log.Line(Line{Priority: p, Text: text, About: r.Subject})
}

func (c *Config) explain(err error) string {
	if c.Explain == nil {
		return err.Error()
	}
	return c.Explain(err)
}
