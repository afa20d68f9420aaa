package scgihttp

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/poll"
	"golang.org/x/sys/unix"
)

// This file is the server's end of one connection: it reads a request without consuming all of it, and ends
// the connection.

// linger is the time that the web server has to close a connection whose request was not read to its end.
// It takes microseconds.
const linger = 2 * time.Second

const (
	// seenSize is the number of bytes of a request that are peeked at once. A browser's request has
	// 1 to 2 KiB, with large cookies 5.
	seenSize = 8 << 10
	// bodySize is the number of bytes of a response that are buffered, so that the Content-Length of
	// a smaller one is known.
	bodySize = 16 << 10
	// headSize is the initial size of the buffer for a head, enough for most.
	headSize = 1 << 10
)

// wire is a connection with its buffers. A request that fits into seen is peeked at, and left in the socket:
// closing a socket with unread bytes resets it, by which the web server distinguishes an incomplete response
// from a complete one. A larger request is read except for its last byte.
type wire struct {
	conn net.Conn
	raw  syscall.RawConn // nil for a connection without a descriptor, such as net.Pipe's

	seen       []byte
	next, have int  // seen[next:have] has not been returned by Read
	taking     bool // the request is larger: seen has been received, and so are further bytes
	unread     int  // bytes of the request that are still in the socket at its end

	deadline time.Time
	armed    bool // the deadline is set on the connection

	// p, flags, n and err are the arguments and results of recv and recvRest. These are created once,
	// because a closure for each read would allocate.
	recv     func(fd uintptr) bool
	recvRest func(fd uintptr)
	p        []byte
	flags    int
	n        int
	err      error

	patience

	head []byte // of the response, see response
	body []byte
	keys []string
	bufs net.Buffers
	vec  [3][]byte
}

var wires = sync.Pool{New: func() any {
	w := &wire{seen: make([]byte, seenSize), head: make([]byte, 0, headSize), body: make([]byte, 0, bodySize)}
	w.recv = w.receiveOrWait
	w.recvRest = func(fd uintptr) { w.n, w.err = recvNow(fd, w.seen, 0) }
	return w
}}

// newWire takes a wire from the pool. The caller calls release after the end of the connection, when there
// are no other references to the wire.
func newWire(c net.Conn) *wire {
	w := wires.Get().(*wire)
	w.conn = c
	if sc, ok := c.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			w.raw = raw
		}
	}
	return w
}

func (w *wire) release() {
	if cap(w.head) > 16*headSize {
		w.head = make([]byte, 0, headSize)
	}
	clear(w.keys)
	*w = wire{recv: w.recv, recvRest: w.recvRest, seen: w.seen, head: w.head[:0], body: w.body[:0], keys: w.keys[:0]}
	wires.Put(w)
}

// SetReadDeadline sets the deadline of further reads. It is set on the connection only when a read has to
// wait, which is rare.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.deadline = t
	if w.raw == nil || w.armed {
		w.armed = !t.IsZero()
		return w.conn.SetReadDeadline(t)
	}
	return nil
}

// Read implements io.Reader for package scgi, which reads no byte behind the request.
func (w *wire) Read(p []byte) (int, error) {
	if w.raw == nil {
		return w.conn.Read(p)
	}
	if w.have == 0 && !w.taking {
		// One byte remains free, so that finish can detect further bytes.
		n, err := w.receive(w.seen[:seenSize-1], unix.MSG_PEEK)
		if err != nil {
			return 0, err
		}
		w.have = n
	}
	if w.next < w.have {
		n := copy(p, w.seen[w.next:w.have])
		w.next += n
		return n, nil
	}
	if err := w.take(); err != nil {
		return 0, err
	}
	return w.receive(p, 0)
}

// Peek implements scgi.Peeker, which reads the last byte of the request.
func (w *wire) Peek(p []byte) (int, error) {
	if w.raw == nil {
		return w.conn.Read(p[:1]) // received, so it must be only the last byte
	}
	if w.next < w.have {
		w.unread = w.next + 1
		return copy(p, w.seen[w.next:w.have]), nil
	}
	if err := w.take(); err != nil {
		return 0, err
	}
	w.unread = 1
	return w.receive(p, unix.MSG_PEEK)
}

// take receives the peeked bytes.
func (w *wire) take() error {
	for w.have > 0 {
		n, err := w.receive(w.seen[:w.have], 0)
		if err != nil {
			return err
		}
		w.have -= n
	}
	w.next, w.taking = 0, true
	return nil
}

// receive is recv(2) that waits for data until the deadline.
func (w *wire) receive(p []byte, flags int) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	w.p, w.flags = p, flags
	err := w.raw.Read(w.recv)
	w.p = nil
	switch {
	case err != nil:
		return 0, err
	case w.err != nil:
		return 0, os.NewSyscallError("recv", w.err)
	case w.n == 0:
		return 0, io.EOF
	}
	return w.n, nil
}

func (w *wire) receiveOrWait(fd uintptr) bool {
	w.n, w.err = recvNow(fd, w.p, w.flags)
	if w.err == unix.EAGAIN && !w.armed && !w.deadline.IsZero() {
		w.armed = true
		_ = w.conn.SetReadDeadline(w.deadline)
	}
	return w.err != unix.EAGAIN
}

// recvNow receives without blocking: package net has made the descriptor non-blocking.
func recvNow(fd uintptr, p []byte, flags int) (n int, err error) {
	for {
		if flags == 0 {
			n, err = unix.Read(int(fd), p) // unlike recvfrom(2), without an allocation for an address
		} else {
			n, _, err = unix.Recvfrom(int(fd), p, flags)
		}
		if err != unix.EINTR {
			return n, err
		}
	}
}

// waitGone waits for the peer to close the connection, and reports whether it did: stopWaiting ends the wait,
// too.
//
// On a unix socket, a peer that only shuts down its sending is not taken for closed. On TCP, the two can't be
// distinguished, and both count as closed, as in net/http; no known web server shuts down its sending before
// it has the response.
func (w *wire) waitGone() bool {
	if w.raw == nil {
		var b [1]byte
		n, err := w.conn.Read(b[:])
		return n == 0 && !errors.Is(err, os.ErrDeadlineExceeded)
	}
	var events int16 = unix.POLLRDHUP
	if _, ok := w.conn.(*net.UnixConn); ok {
		events = 0 // POLLHUP and POLLERR are always reported
	}
	err := w.raw.Read(func(fd uintptr) bool {
		fds := []unix.PollFd{{Fd: int32(fd), Events: events}}
		n, err := poll.Now(fds)
		return err == nil && n > 0
	})
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// stopWaiting makes waitGone return; ended is closed when it has.
func (w *wire) stopWaiting(ended <-chan struct{}) {
	_ = w.conn.SetReadDeadline(time.Unix(1, 0))
	<-ended
	_ = w.conn.SetReadDeadline(time.Time{})
}

// finish ends the connection of a complete response. If the request was read to its end and nothing followed,
// there are no unread bytes, and the connection is closed at once. Otherwise closing would reset it: the
// sending side is shut down, and the connection is read until the peer closes it, as by scgi.Conn.Finish. The
// same is done for a connection that other processes have open, too: closing it here would not end it.
func (w *wire) finish(shared bool) {
	if !shared && w.takeRest() {
		w.conn.Close()
		return
	}
	w.drain()
}

// drain shuts down the sending side, reads until the peer closes, and closes.
func (w *wire) drain() {
	if half, ok := w.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // fails only if the peer has closed the connection
		_ = w.conn.SetReadDeadline(time.Now().Add(linger))
		for {
			if _, err := w.conn.Read(w.seen); err != nil {
				break
			}
		}
	}
	w.conn.Close()
}

// takeRest receives the rest of the request, and reports whether nothing followed.
func (w *wire) takeRest() bool {
	if w.raw == nil || w.unread == 0 {
		return false
	}
	err := w.raw.Control(w.recvRest)
	return err == nil && w.err == nil && w.n == w.unread
}

// cut ends an incomplete response: closing resets the connection, because the request is unread.
func (w *wire) cut() {
	w.conn.Close()
}
