package child

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// End is how far a response came.
type End int

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
	// Problem is what a person should know, nil if all went well. Even a
	// response that is whole may have one.
	Problem *Problem
	// CPU is the processor time that a process that goes on has used for this request.
	CPU time.Duration
	// Growth is by how many bytes it has become larger than it ever was.
	Growth int64
	// Resident is how many bytes it has in memory after the request; 0: not known.
	Resident int64
}

// Problem is why a process did not do as it should.
type Problem struct {
	// Kind says what the client is told.
	Kind Kind
	// Text is a sentence or a traceback. It is for the log, not for the client.
	Text string
}

// Kind is the kind of a [Problem].
type Kind int

const (
	Failed    Kind = iota // the application can't be started or loaded, raised or exited
	Died                  // it ended by a signal, without a word, or with nonsense
	Timeout               // it took longer than it may
	Forbidden             // what the request names may not be run
	NotFound              // there is nothing that the request names
	Busy                  // the machine has no room for another process
	Stopped               // it was told to end, because the service ends
)

// Stopped is the same problem of a process that was told to end; nil stays nil.
func (p *Problem) Stopped() *Problem {
	if p == nil {
		return nil
	}
	return &Problem{Kind: Stopped, Text: p.Text}
}

// NotStarted says why there is no process: a machine that has no room for one is busy.
func NotStarted(err error) *Problem {
	kind := Failed
	if Exhausted(err) {
		kind = Busy
	}
	return &Problem{Kind: kind, Text: err.Error()}
}

// Exhausted tells whether something failed that may be possible again in a moment.
func Exhausted(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
}
