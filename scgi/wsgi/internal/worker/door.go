package worker

import (
	"bytes"
	"errors"
	"os"
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Door is a socket that all workers of an application share. Through it they pass on the connections
// that they don't serve themselves, and receive jobs: the first free worker gets the next job
// (runtime/accept.py). No method blocks.
type Door struct{ ours, theirs int }

// NewDoor creates a door, for [Door.Close] to close.
func NewDoor() (*Door, error) {
	pair, err := jobSocketPair()
	return &Door{pair[0], pair[1]}, err
}

// FD is a descriptor that becomes readable when Receive can return something.
func (d *Door) FD() int { return d.ours }

// Close closes both ends.
func (d *Door) Close() {
	unix.Close(d.ours)
	unix.Close(d.theirs)
}

// Send sends a job to the first free worker: a message of [AppendJob], its connection, and the file of
// its body. The error is EAGAIN if the socket's buffer is full of waiting jobs.
func (d *Door) Send(msg []byte, conn int, body *os.File) error {
	fds := []int{conn}
	if body != nil {
		fds = append(fds, int(body.Fd()))
	}
	return send(d.ours, msg, fds)
}

// TakeBack takes back the oldest job that no worker has received, and returns its number, if there is
// one.
func (d *Door) TakeBack() (number uint32, ok bool) {
	var head [jobHead]byte
	n, fds, err := receive(d.theirs, head[:])
	closeAll(fds) // these are duplicates
	if err != nil || n < len(head) {
		return 0, false
	}
	return jobNumber(head[:]), true
}

// Passed is a connection that a worker has passed on.
type Passed struct {
	// FD is its descriptor, for the caller to close.
	FD int
	// Served is nil if the request is still unread. Otherwise it is the result of the request
	// so far, whose response is incomplete.
	Served *Served
}

// errNoConnection is a message without a descriptor, which only an application sends.
var errNoConnection = errors.New("a worker passed on a message without a connection")

// Receive returns the next connection that was passed on. The error is EAGAIN if there is none, EMFILE
// if no descriptor is free, another errno if the door is shut; any other error is an invalid message,
// after which Receive can be called again.
func (d *Door) Receive(buf []byte) (Passed, error) {
	if spare, err := unix.FcntlInt(uintptr(d.ours), unix.F_DUPFD_CLOEXEC, 0); err == nil {
		unix.Close(spare)
	} else {
		return Passed{}, unix.EMFILE
	}
	n, fds, err := receive(d.ours, buf)
	if err != nil {
		return Passed{}, err
	}
	if n == 0 && hungUp(d.ours) {
		return Passed{}, unix.EPIPE
	}
	if len(fds) != 1 {
		closeAll(fds)
		return Passed{}, errNoConnection
	}
	p := Passed{FD: fds[0]}
	kind, rest, _ := bytes.Cut(buf[:n], []byte{' '})
	if string(kind) == "F" {
		p.Served = failed(rest)
	}
	return p, nil
}

// failed parses BYTES END STATUS TOOK CPU GROWTH, followed by a request and its problem.
func failed(msg []byte) *Served {
	line, text, _ := bytes.Cut(msg, []byte{'\n'})
	var s Served
	if f := bytes.Fields(line); len(f) == 6 {
		s.Bytes, s.Status, s.Took = number(f[0]), statusCode(number(f[2])), time.Duration(number(f[3]))
		s.End = endings[string(f[1])]
		s.CPU, s.Growth = time.Duration(number(f[4]))*time.Microsecond, number(f[5])<<10
	}
	parts := bytes.SplitN(text, []byte{0}, 4)
	if len(parts) == 4 {
		s.Method, s.Path, s.ID = string(parts[0]), string(parts[1]), string(parts[2])
		if kind, why, told := bytes.Cut(parts[3], []byte{'\n'}); told {
			s.Problem = problem(kind, why)
		}
	}
	if s.Problem == nil {
		s.Problem = &outcome.Problem{Kind: outcome.Failed, Text: "the application's response is incomplete"}
	}
	return &s
}

// receive receives a message with descriptors. It doesn't block.
func receive(fd int, buf []byte) (n int, fds []int, err error) {
	var rights [64]byte
	for {
		var rn, flags int
		n, rn, flags, _, err = unix.Recvmsg(fd, buf, rights[:], unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, nil, err
		}
		if msgs, err := unix.ParseSocketControlMessage(rights[:rn]); err == nil {
			for i := range msgs {
				got, _ := unix.ParseUnixRights(&msgs[i])
				fds = append(fds, got...)
			}
		}
		if flags&unix.MSG_CTRUNC != 0 { // no descriptor is free
			closeAll(fds)
			fds = nil
		}
		return n, fds, nil
	}
}

func closeAll(fds []int) {
	for _, fd := range fds {
		unix.Close(fd)
	}
}
