// Package outcome describes the result of a request: how much of its response was sent, why it failed,
// and the resources of its process. Packages cgi and wsgi return it to package gateway.
package outcome

import "time"

// End is how much of a response was sent.
type End int

// The ends of a response.
const (
	None  End = iota // nothing was sent: an error page is possible
	Whole            // complete, and the sending side shut down
	Cut              // incomplete
	Left             // the client disconnected
)

// Result is the result of a request.
type Result struct {
	// Status is the sent status code, 0 for none.
	Status int
	// Bytes is the length of the sent body.
	Bytes int64
	End   End
	// Problem is the reason why the response failed, nil if it didn't. A complete response may have
	// one, too.
	Problem *Problem
	// CPU is the processor time of a warm worker for this request.
	CPU time.Duration
	// Growth is the growth of a warm worker beyond its largest size so far, in bytes.
	Growth int64
}

// Problem is the reason why a process did not start, or did not answer correctly.
type Problem struct {
	// Kind determines the status code for the client.
	Kind Kind
	// Text is a sentence or a traceback. It is for the log, not for the client.
	Text string
}

// Kind is the kind of a [Problem].
type Kind int

// The kinds of problems.
const (
	Failed    Kind = iota // the application can't be started or loaded, raised an exception or exited
	Died                  // it was killed, or sent no or an invalid response
	Timeout               // it exceeded its time
	Forbidden             // the program of the request may not be run
	NotFound              // the program of the request does not exist
	Busy                  // the machine can't start another process
	Stopped               // it was told to end, as the service is stopped
)

// Stopped returns the same problem for a process that was told to end; nil for nil.
func (p *Problem) Stopped() *Problem {
	if p == nil {
		return nil
	}
	return &Problem{Kind: Stopped, Text: p.Text}
}
