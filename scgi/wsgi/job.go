package wsgi

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/internal/child"
	"golang.org/x/sys/unix"
)

// Serve hands the worker its one job and waits until the response is over, for
// at most timeout (0: for ever). Params are the variables of the request
// ([scgi.Request.Params]); the body's file, if there is one, stays the caller's.
// When Serve returns with a Problem of kind [child.Died] or [child.Timeout] the worker
// and its children are gone.
func (w *Worker) Serve(params []scgi.Header, body scgi.Body, conn int, timeout time.Duration) child.Result {
	return w.serve(params, body, conn, timeout, func() { w.Kill() }, func() string {
		usage := w.Wait(time.Now().Add(time.Second))
		w.KillGroup() // and who has left it
		return ending(usage)
	})
}

// serve has a job done. It calls kill for a worker that has to be ended, and ended for
// one that has ended by itself, which says how.
func (s jobSocket) serve(params []scgi.Header, body scgi.Body, conn int, timeout time.Duration, kill func(), ended func() string) child.Result {
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	var res Report
	err := s.send(AppendJob(nil, 0, params, body, true), conn, body)
	if err != nil && !errors.Is(err, unix.EPIPE) {
		kill()
		res.Problem = &child.Problem{Kind: child.Died, Text: err.Error()}
		return res.Result
	} // EPIPE: it is dead already, and await says how
	switch done, alive := s.await(&res, deadline); {
	case done:
	case alive:
		kill()
		s.drain(&res)
		res.Problem = &child.Problem{Kind: child.Timeout, Text: "no end of the response after " + timeout.String()}
	default:
		how := ended()
		if res.Problem == nil {
			res.Problem = &child.Problem{Kind: child.Died, Text: "the worker " + how}
		}
	}
	return res.Result
}

// Report is what a worker says of a job, or when it can take one.
type Report struct {
	child.Result
	// Files are those that modules were loaded from of which it had not spoken before
	// ([Stay.Files]).
	Files []File
	// Warnings are sentences about what workers of a [Parent] had better not share.
	Warnings []string
}

// jobSocket is our end of a worker's job socket.
type jobSocket struct {
	fd    int
	pidfd int // of the worker
}

// send sends a job, with the connection and the file of the body. One that is larger than a
// message goes in a file of its own.
func (s jobSocket) send(msg []byte, conn int, body scgi.Body) error {
	fds := []int{conn}
	if body.File != nil {
		fds = append(fds, int(body.File.Fd()))
	}
	if len(msg) <= messageBytes {
		if err := s.sendMessage(msg, fds); !errors.Is(err, unix.EMSGSIZE) { // net.core.wmem_max may be small
			return err
		}
	}
	file, err := memfd("", msg)
	if err != nil {
		return err
	}
	defer unix.Close(file)
	return s.sendMessage(jobInFile(msg), append(fds, file))
}

func (s jobSocket) sendMessage(msg []byte, fds []int) error {
	rights := unix.UnixRights(fds...)
	for {
		_, err := unix.SendmsgN(s.fd, msg, rights, nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		if err != unix.EINTR {
			return os.NewSyscallError("handing the request to the worker", err)
		}
	}
}

// await reads reports until the job is done, the deadline has come (alive) or
// the worker has ended (not alive).
func (s jobSocket) await(res *Report, deadline time.Time) (done, alive bool) {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}, {Fd: int32(s.pidfd), Events: unix.POLLIN}}
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
		if done, closed := s.drain(res); done || closed || fds[1].Revents != 0 {
			return done, false
		}
	}
}

// mostReports is how many reports are read at once: more than a socket holds (net/unix in
// Linux counts 768 bytes for each at least), so that one that has ended leaves none, and one
// that sends them without an end holds nobody up.
const mostReports = 1024

// drain reads the reports that are there.
func (s jobSocket) drain(res *Report) (done, closed bool) {
	buf := make([]byte, 64<<10)
	for range mostReports {
		n, _, err := unix.Recvfrom(s.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err == unix.ECONNRESET: // it ended without taking the job; what it said before follows
		case err == unix.EAGAIN:
			return false, false
		case err != nil || n == 0 && s.closed():
			return false, true
		default:
			if report(res, buf[:n]) {
				return true, false
			}
		}
	}
	return false, false
}

// closed tells the end of the reports from an empty one, which is no report of ours.
func (s jobSocket) closed() bool {
	fds := []unix.PollFd{{Fd: int32(s.fd)}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0 && fds[0].Revents&unix.POLLHUP != 0
}

// mostFiles is how many files, and mostWarnings how many warnings, a worker is heard of.
const (
	mostFiles    = 1 << 16
	mostWarnings = 100
)

// report takes in one report; the last one says that the job is done. Whatever an
// application can write to its descriptors may come here.
func report(r *Report, msg []byte) (done bool) {
	kind, rest, _ := bytes.Cut(msg, []byte{' '})
	switch string(kind) {
	case "R":
		return true
	case "H":
		r.Status, r.End = statusCode(number(rest)), child.None
		if r.Status != 0 {
			r.End = child.Cut // until it is known to be whole
		}
	case "E":
		_, text, _ := bytes.Cut(rest, []byte{'\n'})
		r.Problem = &child.Problem{Kind: child.Failed, Text: string(text)}
		if r.Status == 0 && bytes.HasPrefix(rest, []byte("import\n")) {
			return true // there is no application that could do the job
		}
	case "D":
		fields := bytes.Fields(rest)
		if len(fields) < 2 {
			return false
		}
		r.Bytes = number(fields[0])
		if len(fields) == 6 { // from a worker that goes on
			r.Status, r.CPU = statusCode(number(fields[2])), time.Duration(number(fields[3]))*time.Microsecond
			r.Growth, r.Resident = number(fields[4])<<10, number(fields[5])<<10
		}
		switch string(fields[1]) {
		case "whole":
			r.End = child.Whole
		case "left":
			r.End = child.Left
		case "cut":
			r.End = child.Cut
		case "none":
			r.End = child.None
		}
		return true
	case "L":
		return true
	case "W":
		if len(r.Warnings) < mostWarnings {
			r.Warnings = append(r.Warnings, string(rest))
		}
	case "M":
		if len(r.Files) < mostFiles {
			r.Files = append(r.Files, files(rest)...)
		}
	}
	return false
}

// File is a file that an application was loaded from.
type File struct {
	// Path is where it is.
	Path string
	// State is what it was then ([StateOf]).
	State string
}

// StateOf tells one content of a file from another; "" where there is none.
func StateOf(path string) string {
	var st unix.Stat_t
	if unix.Stat(path, &st) != nil {
		return ""
	}
	return fmt.Sprintf("%d %d %d %d", st.Dev, st.Ino, st.Size, st.Mtim.Nano())
}

// files takes apart PATH NUL STATE NUL PATH ...
func files(b []byte) (list []File) {
	for words := strings.Split(string(b), "\x00"); len(words) > 1; words = words[2:] {
		list = append(list, File{words[0], words[1]})
	}
	return list
}

// number is 0 where there is none, and never more than can be counted in smaller units.
func number(b []byte) int64 {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return min(max(n, 0), 1<<50)
}

// statusCode is 0 where that is no status code.
func statusCode(n int64) int {
	if n < 100 || n > 999 {
		return 0
	}
	return int(n)
}

// ending says how a worker ended that has not said it itself.
func ending(u child.Usage) string {
	if u.Signaled() {
		return u.Ending()
	}
	return u.Ending() + " without an answer"
}
