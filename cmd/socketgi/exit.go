package main

import "errors"

// exitError is an error with its own exit status, for scripts.
type exitError struct {
	status int
	err    error // nil if it was printed already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exitStatus is 1 for errors without a status.
func exitStatus(err error) int {
	var e *exitError
	if errors.As(err, &e) {
		return e.status
	}
	return 1
}
