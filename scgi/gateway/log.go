package gateway

import (
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
)

// Log records requests. Its methods may be called by many goroutines, and may block.
type Log interface {
	Recorder
	// Line logs a message of one or more lines.
	Line(Line)
}

// Recorder receives the records of requests.
type Recorder interface{ Record(Record) }

// Priority is a level of syslog(3).
type Priority int

// The priorities of messages.
const (
	Error   Priority = 3
	Warning Priority = 4
	Notice  Priority = 5
)

// Subject is the request of a message or a record. The zero value is none.
type Subject struct {
	// ID is the web server's id of the request (UNIQUE_ID), or a generated one.
	ID string
	// Method and Path are not escaped. Path has no query, which may contain secrets.
	Method, Path string
	// Probe is the value of [Config].ProbeVariable, "" for none.
	Probe string
}

// Line is an entry of the log other than a record.
type Line struct {
	// Priority is the level of syslog(3).
	Priority Priority
	// Text may have several lines.
	Text string
	// About is the request of the message, if any.
	About Subject
	// Status is the status code for a request that didn't reach the application; 0 for other messages.
	Status int
	// Event is true for normal events; others are problems.
	Event bool
}

// Record is the result of a request.
type Record struct {
	Subject
	// Status is the status code of the response, or 499, as in nginx, if the client disconnected.
	Status int
	// Bytes is the length of the sent body.
	Bytes int64
	// Cut is true for an incomplete response.
	Cut bool
	// Took is the time from the connection to the end of the response, Queued its part in the queue, and
	// Service its part in a warm worker.
	Took, Queued, Service time.Duration
	// CPU is the processor time of the request, 0 if it is not known: other requests ran in its process.
	CPU time.Duration
	// Warm is true for a request of a warm worker.
	Warm bool
	// Growth is the growth of a warm worker beyond its largest size so far, in bytes.
	Growth int64
	// PeakMemory is the largest resident set of the request's own process, in bytes.
	PeakMemory int64
	// ExitStatus is that of such a process, -1 if it was killed by a signal.
	ExitStatus int
}

// Failed reports whether the response is missing, incomplete or an error of the server.
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

// problem logs a problem of the request or its response.
func (r *Request) problem(p Priority, text string) {
	r.config.Log.Line(Line{Priority: p, Text: text, About: r.Subject})
}

func (c *Config) explain(err error) string {
	if c.Explain == nil {
		return err.Error()
	}
	return c.Explain(err)
}
