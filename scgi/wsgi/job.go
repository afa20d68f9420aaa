package wsgi

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"golang.org/x/sys/unix"
)

// End is how far a response came.
type End int

const (
	None  End = iota // no byte of it was sent: the client can still be told what is wrong
	Whole            // all of it was sent, and the sending side shut down
	Cut              // it broke off
	Left             // the client closed the connection before it was sent
)

// Result is what became of a job.
type Result struct {
	// Status is the status code that the application sent, 0 if none.
	Status int
	// Bytes is the length of the body that was sent.
	Bytes int64
	End   End
	// Problem is what a person should know, nil if all went well. Even a
	// response that is whole may have one: close() can fail.
	Problem *Problem
}

// Problem is why a worker did not do its job.
type Problem struct {
	Kind Kind
	// Text is a sentence or a traceback. It is for the log, not for the client.
	Text string
}

// Kind is the kind of a [Problem].
type Kind int

const (
	Failed  Kind = iota // the application can't be loaded, raised or exited
	Died                // the process ended by a signal or without a word
	Timeout             // it took longer than it may
)

// Serve hands the worker its one job and waits until the response is over, for
// at most timeout (0: for ever). Params are the variables of the request
// ([scgi.Request.Params]); the body's file, if there is one, stays the caller's.
// When Serve returns with a Problem of kind Died or Timeout the worker and its
// children are gone.
func (w *Worker) Serve(params []scgi.Header, body scgi.Body, conn int, timeout time.Duration) Result {
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	var res Result
	if err := w.send(params, body, conn); err != nil && !errors.Is(err, unix.EPIPE) {
		w.Kill()
		res.Problem = &Problem{Died, err.Error()}
		return res
	} // EPIPE: it is dead already, and await says how
	switch done, alive := w.await(&res, deadline); {
	case done:
	case alive:
		w.Kill()
		w.drain(&res)
		res.Problem = &Problem{Timeout, "no end of the response after " + timeout.String()}
	default:
		usage := w.Wait(time.Now().Add(time.Second))
		killGroup(w.pid)
		if res.Problem == nil {
			res.Problem = &Problem{Died, "the worker " + usage.Ending()}
		}
	}
	return res
}

// send sends the job; runtime/job.py says how it looks.
func (w *Worker) send(params []scgi.Header, body scgi.Body, conn int) error {
	n := 0
	for _, h := range params {
		n += len(h.Name) + len(h.Value) + 2
	}
	msg := make([]byte, 0, n+len(body.Data)+32)
	msg = strconv.AppendInt(msg, int64(n), 10)
	msg = append(msg, ' ')
	msg = strconv.AppendInt(msg, int64(len(body.Data)), 10)
	msg = append(msg, '\n')
	for _, h := range params {
		msg = append(msg, h.Name...)
		msg = append(msg, 0)
		msg = append(msg, h.Value...)
		msg = append(msg, 0)
	}
	msg = append(msg, body.Data...)
	fds := []int{conn}
	if body.File != nil {
		fds = append(fds, int(body.File.Fd()))
	}
	for {
		_, err := unix.SendmsgN(w.jobs, msg, unix.UnixRights(fds...), nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return os.NewSyscallError("handing the request to the worker", err)
		}
	}
}

// await reads reports until the job is done, the deadline has come (alive) or
// the worker has ended (not alive).
func (w *Worker) await(res *Result, deadline time.Time) (done, alive bool) {
	fds := []unix.PollFd{{Fd: int32(w.jobs), Events: unix.POLLIN}, {Fd: int32(w.pidfd), Events: unix.POLLIN}}
	for {
		ms := -1
		if !deadline.IsZero() {
			if ms = int(time.Until(deadline) / time.Millisecond); ms < 0 {
				return false, true
			}
			ms++
		}
		if n, err := unix.Poll(fds, ms); n <= 0 {
			if err != nil && err != unix.EINTR {
				return false, false
			}
			continue
		}
		// Reports first: a worker that has ended may have left some.
		if done, closed := w.drain(res); done || closed || fds[1].Revents != 0 {
			return done, false
		}
	}
}

// drain reads the reports that are there.
func (w *Worker) drain(res *Result) (done, closed bool) {
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(w.jobs, buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err == unix.ECONNRESET: // it ended without taking the job; what it said before follows
		case err == unix.EAGAIN:
			return false, false
		case err != nil || n == 0 && w.closed():
			return false, true
		default:
			if res.report(buf[:n]) {
				return true, false
			}
		}
	}
}

// closed tells the end of the reports from an empty one, which is no report of ours.
func (w *Worker) closed() bool {
	fds := []unix.PollFd{{Fd: int32(w.jobs)}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&unix.POLLHUP != 0
}

// report takes in one report; the last one says that the job is done.
func (r *Result) report(msg []byte) (done bool) {
	kind, rest, _ := bytes.Cut(msg, []byte{' '})
	switch string(kind) {
	case "H":
		r.Status, _ = strconv.Atoi(string(rest))
		r.End = Cut // until it is known to be whole
	case "E":
		_, text, _ := bytes.Cut(rest, []byte{'\n'})
		r.Problem = &Problem{Failed, string(text)}
		if r.Status == 0 && bytes.HasPrefix(rest, []byte("import\n")) {
			return true // there is no application that could do the job
		}
	case "D":
		sent, end, _ := bytes.Cut(rest, []byte{' '})
		r.Bytes, _ = strconv.ParseInt(string(sent), 10, 64)
		switch string(end) {
		case "whole":
			r.End = Whole
		case "left":
			r.End = Left
		case "cut":
			r.End = Cut
		case "none":
			r.End = None
		}
		return true
	}
	return false
}
