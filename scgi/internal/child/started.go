package child

import (
	"errors"

	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// NotStarted is why there is no process: a machine that has no room for one is busy.
func NotStarted(err error) *outcome.Problem {
	kind := outcome.Failed
	if Exhausted(err) {
		kind = outcome.Busy
	}
	return &outcome.Problem{Kind: kind, Text: err.Error()}
}

// Exhausted tells whether something failed that may be possible again in a moment.
func Exhausted(err error) bool {
	return errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ENOMEM) || errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE)
}
