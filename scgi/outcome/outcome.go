// Package outcome is what becomes of a request: how far its response came, why it failed, and
// what the process that answered it has used. Packages cgi and wsgi return it, and package
// gateway answers and logs by it.
package outcome

import "time"

// End is how far a response came.
type End int

// A response has one of these ends.
const (
	None  End = iota // no byte of it was sent: the client can still be told what is wrong
	Whole            // all of it was sent, and the sending side shut down
	Cut              // it broke off
	Left             // the client closed the connection before it was sent
)

// Result is what became of a request.
type Result struct {
	// Status is the status code that was sent, 0 if none.
	Status int
	// Bytes is the length of the body that was sent.
	Bytes int64
	// End is how far the response came.
	End End
	// Problem is why the response failed, nil if it didn't. Even a response that is whole may
	// have one.
	Problem *Problem
	// CPU is the processor time that a warm worker has used for this request.
	CPU time.Duration
	// Growth is by how many bytes a warm worker has become larger than it ever was.
	Growth int64
	// Resident is how many bytes a warm worker has in memory after the request; 0: not known.
	Resident int64
}

// Problem is why a process did not start, or did not answer as it should.
type Problem struct {
	// Kind decides the status code of the answer to the client.
	Kind Kind
	// Text is a sentence or a traceback. It is for the log, not for the client.
	Text string
}

// Kind is the kind of a [Problem].
type Kind int

// The kinds, from the side of the application.
const (
	Failed    Kind = iota // it can't be started or loaded, raised or exited
	Died                  // it ended by a signal, without a word, or with nonsense
	Timeout               // it took longer than it may
	Forbidden             // what the request names may not be run
	NotFound              // there is nothing that the request names
	Busy                  // the machine has no room for another process
	Stopped               // it was told to end, because the service ends
)

// Stopped returns the same problem for a process that was told to end; nil for nil.
func (p *Problem) Stopped() *Problem {
	if p == nil {
		return nil
	}
	return &Problem{Kind: Stopped, Text: p.Text}
}
