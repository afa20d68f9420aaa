package scgi

import (
	"errors"
	"io"

	"golang.org/x/sys/unix"
)

// What [Conn.ReadReady] returns when there is no whole request.
var (
	// ErrNoHeader: the header has not arrived, or not all of it.
	ErrNoHeader = errors.New("the request header has not arrived")
	// ErrNoBody: all of the header has, and the body has not, or does not fit.
	ErrNoBody = errors.New("the request body has not arrived")
)

// ReadReady is [ReadRequest] for a request that has arrived already. It never waits: where
// not all of a request is there, or it is larger than scratch, the error is [ErrNoHeader] or
// [ErrNoBody]. It takes nothing from the connection, which [Conn.FinishNow] does, or
// [Conn.Finish]: to close it before is a reset. Scratch is free for another use afterwards.
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
		return nil, ErrNoBody // the header is so large
	case err != nil:
		return nil, err
	case req.ContentLength > min(int64(len(a.rest)), orDefault(lim.MemoryBytes, DefaultMemoryBytes)) &&
		(lim.BodyBytes == 0 || req.ContentLength <= lim.BodyBytes):
		return nil, ErrNoBody
	}
	return req, req.ReadBody(a, lim)
}

// lookAhead returns how many bytes are there, io.EOF where none will come.
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

// ahead reads what is there, and remembers when that was not enough.
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
