package gateway

import (
	"errors"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
)

// failure is what the client is told of a request that the application gives no answer
// to, and how much it matters to the log.
type failure struct {
	status   int
	text     string
	priority Priority
	header   string // that a client may come again in a moment, or nothing
}

// failures are what becomes of a request that has no process, or whose process fails. The
// text is followed by the id of the request in the log.
var failures = [...]failure{
	outcome.Failed:    {500, "The application failed.", Error, ""},
	outcome.Died:      {502, "The application ended without a response.", Error, ""},
	outcome.Timeout:   {504, "The application took too long.", Error, ""},
	outcome.Stopped:   {503, "The application is being stopped.", Error, scgi.RetryAfter},
	outcome.Busy:      {503, "This machine is too busy. Try again in a few seconds.", Error, scgi.RetryAfter},
	outcome.Forbidden: {403, "This program may not be run.", Warning, ""},
	outcome.NotFound:  {404, "There is no such program.", Warning, ""},
}

// The other failures.
var (
	stranger  = failure{403, "The request was refused: it doesn't come from the web server. See the log.", Warning, ""}
	queueFull = failure{503, "All slots are taken. Try again in a few seconds.", Error, scgi.RetryAfter}
	noQueue   = failure{500, "This application is not set up correctly. See the log.", Error, ""}
)

// failureOf is the failure of a process, nil: that of one that gave no reason.
func failureOf(p *outcome.Problem) failure {
	if p == nil {
		return failures[outcome.Died]
	}
	return failures[p.Kind]
}

// refusal is the failure of a request that nothing but its connection, or what was read of
// it, is known of.
func refusal(err error) failure {
	var peer *PeerError
	if errors.As(err, &peer) {
		return stranger
	}
	f := failure{priority: Error}
	if f.status, f.text = scgi.Refusal(err); f.status == 503 {
		f.header = scgi.RetryAfter
	}
	return f
}
