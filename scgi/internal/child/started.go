package child

import (
	"errors"

	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// NotStarted converts the error of a start: the machine is busy if a resource is exhausted.
func NotStarted(err error) *outcome.Problem {
	kind := outcome.Failed
	if Exhausted(err) {
		kind = outcome.Busy
	}
	return &outcome.Problem{Kind: kind, Text: err.Error()}
}

// Exhausted returns whether err is about a resource of the machine, so that a later attempt may succeed.
func Exhausted(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
}
