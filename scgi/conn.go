package scgi

import (
	"io"
	"os"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/poll"
	"golang.org/x/sys/unix"
)

// Conn is a connection by its file descriptor, as a service manager passes it. The descriptor stays
// blocking, a property shared by all processes that have the connection open; Conn waits with poll(2)
// instead. It is for use by one goroutine.
type Conn struct {
	fd       int
	deadline time.Time
}

// NewConn makes a Conn of a connected stream socket. The Conn owns it: [Conn.Close] or
// [Conn.Finish] closes it.
func NewConn(fd int) *Conn { return &Conn{fd: fd} }

// FD returns the file descriptor, which the Conn owns; -1 after it is closed.
func (c *Conn) FD() int { return c.fd }

// SetReadDeadline sets the deadline of further reads, which then fail with os.ErrDeadlineExceeded; the
// zero time removes it. The error is always nil.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.deadline = t
	return nil
}

// Read returns available bytes, or waits for some. At the end of the peer's data it returns io.EOF; other
// errors are os.SyscallError or os.ErrDeadlineExceeded.
func (c *Conn) Read(p []byte) (int, error) { return c.recv(p, 0) }

// Peek is [Conn.Read] that leaves the bytes in the socket (recv(2), MSG_PEEK).
func (c *Conn) Peek(p []byte) (int, error) { return c.recv(p, unix.MSG_PEEK) }

func (c *Conn) recv(p []byte, flags int) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, _, err := unix.Recvfrom(c.fd, p, flags|unix.MSG_DONTWAIT)
		switch {
		case err == unix.EAGAIN:
			if err := c.wait(unix.POLLIN, c.deadline); err != nil {
				return 0, err
			}
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("recv", err)
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// writeTimeout limits writes of this process: a page of a few lines.
const writeTimeout = 10 * time.Second

// Write sends all of p within 10 s, or fails with os.ErrDeadlineExceeded. It raises no SIGPIPE.
func (c *Conn) Write(p []byte) (int, error) {
	deadline := time.Now().Add(writeTimeout)
	done := 0
	for done < len(p) {
		n, err := unix.SendmsgN(c.fd, p[done:], nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		switch {
		case err == unix.EAGAIN:
			if err := c.wait(unix.POLLOUT, deadline); err != nil {
				return done, err
			}
		case err == unix.EINTR:
		case err != nil:
			return done, os.NewSyscallError("send", err)
		default:
			done += n
		}
	}
	return done, nil
}

func (c *Conn) wait(events int16, deadline time.Time) error {
	ready, err := poll.Until([]unix.PollFd{{Fd: int32(c.fd), Events: events}}, deadline)
	if err == nil && ready == 0 {
		return os.ErrDeadlineExceeded
	}
	return err
}

// Gone reports whether the peer has closed the connection. A peer that only shut down its sending side
// has not.
func (c *Conn) Gone() bool {
	fds := []unix.PollFd{{Fd: int32(c.fd)}}
	n, err := poll.Now(fds)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}

// Ended reports whether the peer sends no more, even if data is still to be read.
func (c *Conn) Ended() bool {
	fds := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLRDHUP}}
	n, err := poll.Now(fds)
	return err == nil && n > 0
}

// CloseWrite ends a complete response: the peer sees the end at once, even if other processes have the
// connection open.
func (c *Conn) CloseWrite() {
	_ = unix.Shutdown(c.fd, unix.SHUT_WR) // it fails only if the peer has closed
}

// Finish closes a connection after a complete response. It drains the connection until the peer closes,
// for at most linger: closing a socket with unread bytes resets the connection and drops the tail of the
// response.
func (c *Conn) Finish(linger time.Duration) {
	if c.fd < 0 {
		return
	}
	c.CloseWrite()
	c.deadline = time.Now().Add(linger)
	var scratch [4096]byte
	for time.Now().Before(c.deadline) { // the peer may never stop sending
		if _, err := c.Read(scratch[:]); err != nil {
			break
		}
	}
	c.Close()
}

// FinishNow is [Conn.Finish] without waiting, for a request that has arrived completely. It reports
// whether it closed the connection, which it doesn't if more bytes than scratch are unread.
func (c *Conn) FinishNow(scratch []byte) bool {
	c.CloseWrite() // a process that the application has forked may have the connection open, too
	n, _, err := unix.Recvfrom(c.fd, scratch, unix.MSG_DONTWAIT)
	if n == len(scratch) || err == unix.EINTR {
		return false
	}
	c.Close()
	return true
}

// Close closes the connection. Without [Conn.Finish] that is a reset, by which the peer detects an
// incomplete response.
func (c *Conn) Close() error {
	if c.fd < 0 {
		return nil
	}
	err := unix.Close(c.fd)
	c.fd = -1
	return err
}
