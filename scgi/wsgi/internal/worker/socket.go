package worker

import (
	"errors"
	"os"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"golang.org/x/sys/unix"
)

// jobSocket is our end of a worker's job socket.
type jobSocket struct {
	fd    int
	pidfd int // of the worker
}

// send sends a job, with the connection and the file of the body.
func (s jobSocket) send(msg []byte, conn int, body scgi.Body) error {
	fds := []int{conn}
	if body.File != nil {
		fds = append(fds, int(body.File.Fd()))
	}
	return send(s.fd, msg, fds)
}

// send sends a job and its descriptors. A job that is larger than a message is sent in a file.
func send(socket int, msg []byte, fds []int) error {
	if len(msg) <= messageBytes {
		if err := sendMessage(socket, msg, fds); !errors.Is(err, unix.EMSGSIZE) { // net.core.wmem_max may be small
			return err
		}
	}
	file, err := memfd("", msg)
	if err != nil {
		return err
	}
	defer unix.Close(file)
	return sendMessage(socket, jobInFile(msg), append(fds, file))
}

func sendMessage(socket int, msg []byte, fds []int) error {
	rights := unix.UnixRights(fds...)
	for {
		_, err := unix.SendmsgN(socket, msg, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		if err != unix.EINTR {
			return os.NewSyscallError("passing the request to the worker", err)
		}
	}
}

// await reads reports until the job is done, until the deadline (alive), or until the worker has
// ended (not alive).
func (s jobSocket) await(rep *Report, deadline time.Time) (done, alive bool) {
	return s.awaitSocket(rep, deadline, 0)
}

// awaitSocket is await for a job that can become a WebSocket. While that is open there is no deadline; when it is
// closed, the application has the time again for its end.
func (s jobSocket) awaitSocket(rep *Report, deadline time.Time, again time.Duration) (done, alive bool) {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}, {Fd: int32(s.pidfd), Events: unix.POLLIN}}
	switched := rep.switched
	for { // until the deadline, even if a worker never stops reporting
		if !deadline.IsZero() && time.Now().After(deadline) {
			return false, true
		}
		if n, err := poll.Until(fds, deadline); n == 0 {
			return false, err == nil
		}
		// First the reports: an ended worker may have left some.
		if done, closed := s.drain(rep); done || closed || fds[1].Revents != 0 {
			return done, false
		}
		if rep.switched != switched {
			if switched, deadline = rep.switched, (time.Time{}); switched > 1 && again > 0 {
				deadline = time.Now().Add(again)
			}
		}
	}
}

// mostReports is the number of reports that drain reads: more than a socket holds (Linux counts at
// least 768 bytes for each), so that none is left of an ended worker, and limited because a worker may
// send them endlessly.
const mostReports = 1024

// drain reads the waiting reports.
func (s jobSocket) drain(rep *Report) (done, closed bool) {
	buf := make([]byte, 64<<10)
	for range mostReports {
		n, _, err := unix.Recvfrom(s.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err == unix.ECONNRESET: // it ended without receiving the job; its earlier reports follow
		case err == unix.EAGAIN:
			return false, false
		case err != nil || n == 0 && hungUp(s.fd):
			return false, true
		default:
			if report(rep, buf[:n]) {
				return true, false
			}
		}
	}
	return false, false
}

// hungUp distinguishes the end of the reports from an empty message, which an application may send.
func hungUp(socket int) bool {
	fds := []unix.PollFd{{Fd: int32(socket)}}
	n, err := poll.Now(fds)
	return err == nil && n > 0 && fds[0].Revents&unix.POLLHUP != 0
}

// messageBytes is the maximum size of a message on a job socket, for both sides (MOST in
// runtime/job.py), and jobBytes the size of the socket's buffer.
const (
	messageBytes = 256 << 10
	jobBytes     = 512 << 10
)

// jobSocketPair creates a job socket: our end, and the worker's.
func jobSocketPair() ([2]int, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return pair, os.NewSyscallError("socketpair", err)
	}
	_ = unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF, jobBytes)
	return pair, nil
}
