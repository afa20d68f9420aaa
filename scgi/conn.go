package scgi

import (
	"io"
	"os"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/poll"
	"golang.org/x/sys/unix"
)

// Conn is a connection by its file descriptor, as a service manager hands it
// over. It leaves the descriptor blocking, because that is a property that all
// processes share who have the connection open, and waits with poll(2)
// instead. It is for use by one goroutine.
type Conn struct {
	fd       int
	deadline time.Time
}

// NewConn makes a Conn of a connected stream socket. The Conn owns it: [Conn.Close] or
// [Conn.Finish] closes it.
func NewConn(fd int) *Conn { return &Conn{fd: fd} }

// FD returns the file descriptor, which stays the Conn's; -1 once it is closed.
func (c *Conn) FD() int { return c.fd }

// SetReadDeadline bounds the reads that follow; the zero time takes the bound
// away. A read that runs into it fails with os.ErrDeadlineExceeded. The error is
// always nil.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.deadline = t
	return nil
}

// Read takes what is there, or waits for it. At the end of what the other side sends
// it returns io.EOF; other errors are os.SyscallError or os.ErrDeadlineExceeded.
func (c *Conn) Read(p []byte) (int, error) { return c.recv(p, 0) }

// Peek is [Conn.Read], but the bytes stay in the socket (recv(2), MSG_PEEK).
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

// writeTimeout bounds what this process itself writes: a page of a few lines.
const writeTimeout = 10 * time.Second

// Write sends all of p, within 10 s; then it fails with os.ErrDeadlineExceeded. It
// raises no SIGPIPE where the other side is gone.
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

// Gone tells whether the other side has closed the connection for good. A side
// that only ended its sending is still there.
func (c *Conn) Gone() bool {
	fds := []unix.PollFd{{Fd: int32(c.fd)}}
	n, err := poll.Now(fds)
	return err == nil && n > 0 && fds[0].Revents&(unix.POLLHUP|unix.POLLERR) != 0
}

// Ended tells whether the other side sends no more, whatever is still to be read.
func (c *Conn) Ended() bool {
	fds := []unix.PollFd{{Fd: int32(c.fd), Events: unix.POLLRDHUP}}
	n, err := poll.Now(fds)
	return err == nil && n > 0
}

// CloseWrite ends a response that is complete: the other side sees the end at
// once, for every process that has the connection open.
func (c *Conn) CloseWrite() {
	_ = unix.Shutdown(c.fd, unix.SHUT_WR) // it fails only where the other side is gone
}

// Finish closes a connection after a response that is complete. It reads what is
// left until the other side closes, for at most the given time, because a socket
// that is closed with unread bytes resets the connection and takes the tail of the
// response with it.
func (c *Conn) Finish(linger time.Duration) {
	if c.fd < 0 {
		return
	}
	c.CloseWrite()
	c.deadline = time.Now().Add(linger)
	var scratch [4096]byte
	for time.Now().Before(c.deadline) { // also where there is always something to read
		if _, err := c.Read(scratch[:]); err != nil {
			break
		}
	}
	c.Close()
}

// FinishNow is [Conn.Finish] where all is there that the other side sends: it waits for
// nothing, and tells whether the connection is closed. It is not where there is more than
// fits into scratch.
func (c *Conn) FinishNow(scratch []byte) bool {
	c.CloseWrite() // a process that the application has forked may have the connection open, too
	n, _, err := unix.Recvfrom(c.fd, scratch, unix.MSG_DONTWAIT)
	if n == len(scratch) || err == unix.EINTR {
		return false
	}
	c.Close()
	return true
}

// Close closes the connection. Before [Conn.Finish] that is a reset, which tells
// the other side that what it has of a response is not all of it.
func (c *Conn) Close() error {
	if c.fd < 0 {
		return nil
	}
	err := unix.Close(c.fd)
	c.fd = -1
	return err
}
