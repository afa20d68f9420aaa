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

// This file is the server's end of one connection: how a request is read without
// being taken out of the socket, and how the connection ends.

// linger is how long the web server may take to close a connection whose request
// was not read to its end; it takes microseconds.
const linger = 2 * time.Second

const (
	// seenSize is how much of a request is looked at in one go. A browser's takes
	// 1 to 2 KiB, with big cookies 5.
	seenSize = 8 << 10
	// bodySize is how much of a response is held back in the hope that it is all,
	// so that its Content-Length is known.
	bodySize = 16 << 10
	// headSize is room for most response heads; a longer one grows out of it.
	headSize = 1 << 10
)

// wire is a connection with the buffers that it needs. While the request fits into
// seen, it is looked at and left in the socket: closing a socket that holds unread
// bytes is a reset, by which the web server can tell a response that broke off from
// one that is complete. A larger request is taken but for its last byte.
type wire struct {
	conn net.Conn
	raw  syscall.RawConn // nil for a connection without a descriptor, such as net.Pipe's

	seen       []byte
	next, have int  // seen[next:have] is not read yet
	taking     bool // what was seen is taken out of the socket, and so is what follows
	unread     int  // how much of the request is in the socket when it is read

	deadline time.Time
	armed    bool // the connection knows of the deadline

	// p, flags, n and err are the arguments and results of recv and recvRest, which
	// are values made once: a closure for each read would be an allocation for each.
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

// newWire takes a wire from the pool. Whoever takes it calls release after the end
// of the connection, and nobody may know of it then.
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

// SetReadDeadline bounds the reads that follow. The connection is told when a read
// has to wait, which most never do.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.deadline = t
	if w.raw == nil || w.armed {
		w.armed = !t.IsZero()
		return w.conn.SetReadDeadline(t)
	}
	return nil
}

// Read makes a wire an io.Reader for package scgi, which asks for not one byte more
// than the request has.
func (w *wire) Read(p []byte) (int, error) {
	if w.raw == nil {
		return w.conn.Read(p)
	}
	if w.have == 0 && !w.taking {
		// One byte stays free, so that finish can see whether more has come.
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

// Peek makes a wire a scgi.Peeker: it is how the last byte of the request is read.
func (w *wire) Peek(p []byte) (int, error) {
	if w.raw == nil {
		return w.conn.Read(p[:1]) // taken, so it may not be more than the last
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

// take takes what was seen out of the socket.
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

// receive is recv(2) that waits for data, at most until the deadline.
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

// recvNow receives without waiting: package net made the descriptor non-blocking.
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

// waitGone waits for the other side to close the connection, and tells whether it
// did: stopWaiting ends the wait without that.
//
// On a unix socket a side that only ended its sending is still there. TCP can't
// tell the two apart; there the end of sending counts, as net/http has it, and no
// web server is known that ends its sending before it has the response.
func (w *wire) waitGone() bool {
	if w.raw == nil {
		var b [1]byte
		n, err := w.conn.Read(b[:])
		return n == 0 && !errors.Is(err, os.ErrDeadlineExceeded)
	}
	var events int16 = unix.POLLRDHUP
	if _, ok := w.conn.(*net.UnixConn); ok {
		events = 0 // POLLHUP and POLLERR need not be asked for
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

// finish ends a response that is complete. When the request was read to its end
// and nothing came behind it, there is nothing unread left that would make closing
// a reset, so there is nothing to wait for. Otherwise the end of the response is
// sent, and what arrives is read until the other side closes, as scgi.Conn.Finish
// does; the same goes for a connection that other processes have open, too, for
// which closing it here says nothing to the other side.
func (w *wire) finish(shared bool) {
	if !shared && w.takeRest() {
		w.conn.Close()
		return
	}
	w.drain()
}

// drain ends what is sent, reads until the other side closes, and closes.
func (w *wire) drain() {
	if half, ok := w.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // it fails only where the other side is gone
		_ = w.conn.SetReadDeadline(time.Now().Add(linger))
		for {
			if _, err := w.conn.Read(w.seen); err != nil {
				break
			}
		}
	}
	w.conn.Close()
}

// takeRest takes the rest of the request, and tells whether it was all there is.
func (w *wire) takeRest() bool {
	if w.raw == nil || w.unread == 0 {
		return false
	}
	err := w.raw.Control(w.recvRest)
	return err == nil && w.err == nil && w.n == w.unread
}

// cut ends a response that is not complete: what is unread in the socket makes
// closing it a reset.
func (w *wire) cut() {
	w.conn.Close()
}
