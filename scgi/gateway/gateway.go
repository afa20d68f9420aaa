// Package gateway takes one request from its connection to its record: who may send it,
// how it is read, its place in the queue, the application that answers it, and what the
// client and the log are told where that fails. Serving is the way of a connection
// ([Config.ServeConnection]) or of the connections of listeners ([Server]); a pool of
// warm workers takes the same steps one by one ([Request]).
package gateway

import (
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
)

// Config is what holds for all requests of an application.
type Config struct {
	// Peers are the users that may connect, besides root; nil: all.
	Peers Peers
	// Limits bound what is read of a request.
	Limits scgi.Limits
	// Mount is the path below which the application lives, where the web server sends no
	// SCRIPT_NAME ([scgi.Request.Params]).
	Mount string
	// QueueTimeout is how long a request waits in the queue.
	QueueTimeout time.Duration
	// SendTimeout is how long the web server may read nothing of a response; 0: for ever.
	SendTimeout time.Duration
	// Debug shows the client what only the log is for, in development.
	Debug bool
	// IDHeader names the header field in which the response to a failed request has its id,
	// as the log has it; "": none.
	IDHeader string
	// ProbeVariable names a variable that is for the log, and not for the application; "": none.
	ProbeVariable string
	// Explain puts an error into words for the log, where an operator can do something about
	// it: a [*PeerError], or a [*SlotsError]. Default: its own words.
	Explain func(error) string
	// Log takes the record of each request, and lines about what went wrong.
	Log Log
}

// Application answers requests, each by a process.
type Application interface {
	// Start starts a process that answers a request, or returns why there is none.
	Start(r *Request) (Process, *outcome.Problem)
}

// Process answers one request.
type Process interface {
	// Serve answers. When the response isn't whole the process is gone.
	Serve(conn int) outcome.Result
	// Wait waits for the end of the process, and kills it when its time is up.
	Wait() outcome.Usage
	// Signal sends a signal to all that belongs to the process.
	Signal(syscall.Signal)
	// Close frees what the process takes in this one. It must have ended.
	Close()
}

// Broken answers every request with a failure: the application is not set up correctly.
type Broken struct{ Reason error }

// Start returns the reason.
func (b Broken) Start(*Request) (Process, *outcome.Problem) {
	return nil, &outcome.Problem{Kind: outcome.Failed, Text: b.Reason.Error()}
}
