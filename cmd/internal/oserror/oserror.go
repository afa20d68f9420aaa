// Package oserror words errors of package os for people: the path and the system's reason, without
// Go's names of system calls. Package os alone is imported, as the adapter pays for more at each start.
package oserror

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// Translator words one kind of error; it is not ok for others.
type Translator func(error) (text string, ok bool)

// Text is the text of err, in which the errors that it wraps are worded by more and by this package.
func Text(err error, more ...Translator) string {
	text := err.Error()
	translate(err, append(more, system), func(from, to string) { text = strings.Replace(text, from, to, 1) })
	return text
}

// translate replaces the outermost errors that a translator knows.
func translate(err error, translators []Translator, replace func(from, to string)) {
	for _, t := range translators {
		if words, ok := t(err); ok {
			replace(err.Error(), words)
			return
		}
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		if inner := e.Unwrap(); inner != nil {
			translate(inner, translators, replace)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			translate(inner, translators, replace)
		}
	}
}

// system words the errors of package os.
func system(err error) (string, bool) {
	switch e := err.(type) {
	case *fs.PathError:
		if e.Op == "fork/exec" {
			return e.Path + " can't be executed: " + Reason(e.Err), true
		}
		return e.Path + ": " + Reason(e.Err), true
	case *os.LinkError:
		return "can't " + strings.TrimPrefix(e.Op, "sym") + " " + e.Old + " to " + e.New + ": " + Reason(e.Err), true
	case *os.SyscallError:
		return e.Syscall + "(2): " + Reason(e.Err), true
	}
	// The words of strerror(3).
	switch err {
	case fs.ErrNotExist:
		return "no such file or directory", true
	case fs.ErrExist:
		return "file exists", true
	case os.ErrDeadlineExceeded:
		return "timed out", true
	}
	return "", false
}

// Reason is the error of a system call without its name.
func Reason(err error, more ...Translator) string {
	if call := (*os.SyscallError)(nil); errors.As(err, &call) {
		err = call.Err
	}
	return Text(err, more...)
}
