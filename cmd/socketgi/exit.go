package main

import "errors"

// exitError is an error that a script can tell from others by the exit status.
type exitError struct {
	status int
	err    error // nil where everything is said already
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// exitStatus is 1 for errors that say nothing else.
func exitStatus(err error) int {
	var e *exitError
	if errors.As(err, &e) {
		return e.status
	}
	return 1
}
