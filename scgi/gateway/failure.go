package gateway

import (
	"errors"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
)

// failure is the response to a request that the application doesn't answer, and its priority in the log.
type failure struct {
	status   int
	text     string
	priority Priority
	header   string // Retry-After, or ""
}

// failures are for requests without a process, or whose process fails. The id of the request follows the
// text.
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

// failureOf is the failure for a problem, or for nil that of a process that died.
func failureOf(p *outcome.Problem) failure {
	if p == nil {
		return failures[outcome.Died]
	}
	return failures[p.Kind]
}

// refusal is the failure for a refused peer or an invalid request.
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
