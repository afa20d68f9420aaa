package scgi

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// The errors of [Conn.ReadReady] for an incomplete request.
var (
	// ErrNoHeader: the header is incomplete.
	ErrNoHeader = errors.New("the request header has not arrived")
	// ErrNoBody: the header is complete, but the body is not, or doesn't fit.
	ErrNoBody = errors.New("the request body has not arrived")
)

// ReadReady is [ReadRequest] for a request that has arrived already. It never waits: if the request is
// incomplete or larger than scratch, the error is [ErrNoHeader] or [ErrNoBody]. It consumes nothing:
// [Conn.FinishNow] and [Conn.Finish] do, and closing the connection before resets it. The request doesn't
// refer to scratch afterwards.
func (c *Conn) ReadReady(scratch []byte, lim *Limits) (*Request, error) {
	n, err := c.lookAhead(scratch)
	if err != nil {
		return nil, err
	}
	a := &ahead{rest: scratch[:n]}
	req, err := ReadHeader(a, lim)
	switch {
	case a.short && n < len(scratch):
		return nil, ErrNoHeader
	case a.short:
		return nil, ErrNoBody // the header is larger than scratch
	case err != nil:
		return nil, err
	case req.ContentLength > min(int64(len(a.rest)), orDefault(lim.MemoryBytes, DefaultMemoryBytes)) &&
		(lim.BodyBytes == 0 || req.ContentLength <= lim.BodyBytes):
		return nil, ErrNoBody
	}
	return req, req.ReadBody(a, lim)
}

// lookAhead peeks at the available bytes, and returns their number, or io.EOF at the end.
func (c *Conn) lookAhead(p []byte) (int, error) {
	for {
		n, _, err := unix.Recvfrom(c.fd, p, unix.MSG_PEEK|unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN:
			return 0, ErrNoHeader
		case err == unix.EINTR:
		case n == 0:
			return 0, io.EOF // also for a reset: the peer has closed the connection
		default:
			return n, nil
		}
	}
}

// ahead reads the available bytes, and records if there were too few.
type ahead struct {
	rest  []byte
	short bool
}

func (a *ahead) Read(p []byte) (int, error) {
	n, err := a.Peek(p)
	a.rest = a.rest[n:]
	return n, err
}

func (a *ahead) Peek(p []byte) (int, error) {
	n := copy(p, a.rest)
	if n == 0 && len(p) > 0 {
		a.short = true
		return 0, io.EOF
	}
	return n, nil
}
