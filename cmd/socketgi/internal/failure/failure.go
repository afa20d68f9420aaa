// Package failure words errors for the operator. Messages have no words of Go's for system calls, such as
// stat, dial and fork/exec: every command prints errors by it.
package failure

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"os/exec"
	"strconv"

	"github.com/socketgi/socketgi/cmd/internal/oserror"
)

// Text is the text of an error.
func Text(err error) string { return oserror.Text(err, library) }

// library words errors of Go's standard library.
func library(err error) (string, bool) {
	switch e := err.(type) {
	case *net.OpError:
		return connection(e), true
	case *net.DNSError:
		return e.Name + ": " + e.Err, true
	case *net.AddrError:
		return e.Addr + ": " + e.Err, true
	case *exec.Error:
		if errors.Is(e.Err, exec.ErrNotFound) {
			return e.Name + ": not found in PATH", true
		}
		return e.Name + ": " + Text(e.Err), true
	case *url.Error:
		return strconv.Quote(e.URL) + ": " + Text(e.Err), true
	case *strconv.NumError:
		return strconv.Quote(e.Num) + " is not a number", true
	}
	switch err {
	case context.DeadlineExceeded:
		return "timed out", true
	case context.Canceled:
		return "interrupted", true
	case net.ErrClosed:
		return "the connection is closed", true
	case io.EOF:
		return "the connection was closed", true
	case io.ErrUnexpectedEOF:
		return "the connection was closed too early", true
	}
	return "", false
}

// connection words an error of a socket.
func connection(e *net.OpError) string {
	reason := oserror.Reason(e.Err, library)
	if e.Timeout() {
		reason = "timed out"
	}
	peer := ""
	if e.Addr != nil {
		peer = e.Addr.String()
	}
	switch {
	case e.Op == "dial" && peer != "":
		return "can't connect to " + peer + ": " + reason
	case e.Op == "dial":
		return "can't connect: " + reason
	case e.Op == "listen":
		return "can't listen at " + peer + ": " + reason
	case peer != "":
		return "connection to " + peer + ": " + reason
	}
	return "connection: " + reason
}
