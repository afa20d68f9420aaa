// Package gateway handles a request from its connection to its record: it checks the peer, reads the
// request, queues it, has the application answer, and reports failures to the client and the log.
// [Config.ServeConnection] serves one connection and [Server] listening sockets; a pool of warm workers
// takes the same steps by [Request].
package gateway

import (
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
)

// Config is the configuration for all requests of an application.
type Config struct {
	// Peers are the allowed users besides root; nil for all.
	Peers Peers
	// Limits are the limits of a request.
	Limits scgi.Limits
	// Mount is the prefix of the application's paths, for web servers that send no SCRIPT_NAME
	// ([scgi.Request.Params]).
	Mount string
	// QueueTimeout limits the wait in the queue.
	QueueTimeout time.Duration
	// SendTimeout limits how long the web server may read nothing of a response; 0 for no limit.
	SendTimeout time.Duration
	// Debug shows the client the text of the log, for development.
	Debug bool
	// IDHeader is the name of the header with the request's id in error responses; "" for none.
	IDHeader string
	// ProbeVariable is the name of a variable for the log, hidden from the application; "" for none.
	ProbeVariable string
	// Explain words an error for the log: a [*PeerError], or a [*SlotsError]. Default: its own text.
	Explain func(error) string
	// Log receives the record of each request, and messages about failures.
	Log Log
}

// Application answers requests, each by a process.
type Application interface {
	// Start starts a process for a request, or returns the reason why it can't.
	Start(r *Request) (Process, *outcome.Problem)
}

// Process answers one request.
type Process interface {
	// Serve answers. After an incomplete response the process has ended.
	Serve(conn int) outcome.Result
	// Wait waits for the end of the process, and kills it at its timeout.
	Wait() outcome.Usage
	// Signal sends a signal to the process group.
	Signal(syscall.Signal)
	// Close frees the resources of the ended process.
	Close()
}

// Broken fails every request of an application with an invalid configuration.
type Broken struct{ Reason error }

// Start returns the reason.
func (b Broken) Start(*Request) (Process, *outcome.Problem) {
	return nil, &outcome.Problem{Kind: outcome.Failed, Text: b.Reason.Error()}
}
