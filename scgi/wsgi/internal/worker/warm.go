package worker

import (
	"errors"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Warm is a worker that serves many requests: those that it accepts, and jobs from the [Door]. Of its
// methods, only [Warm.Kill] and [Warm.Close] block.
type Warm struct {
	jobSocket
	*child.Other
	board *board
	end   sync.Once
	ended chan struct{} // closed when the worker has ended, and usage is set
	usage outcome.Usage // not Known if nobody has reported it
}

// over records the end of the worker.
func (w *Warm) over(usage outcome.Usage) {
	w.end.Do(func() {
		w.usage = usage
		close(w.ended)
	})
}

// StartWarm starts a worker that loads the application itself, and waits until it has, for at most
// timeout (0: no limit). If that fails, the report still has the files that the application was
// loaded from.
func StartWarm(cfg *Config, timeout time.Duration) (*Warm, Report) {
	var rep Report
	b, err := newBoard(cfg.Warm.Concurrency)
	if err != nil {
		rep.Problem = child.NotStarted(err)
		return nil, rep
	}
	p, err := start(cfg, many, b.fd)
	b.handedOver()
	if err != nil {
		b.close()
		rep.Problem = child.NotStarted(err)
		return nil, rep
	}
	w := &Warm{jobSocket: jobSocket{p.socket, p.PidFD()}, Other: p.Other(), board: b, ended: make(chan struct{})}
	go func() { w.over(p.Wait(time.Time{})) }()
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	switch done, alive := w.await(&rep, deadline); {
	case done:
	case alive:
		rep.Problem = &outcome.Problem{Kind: outcome.Timeout, Text: "the application was not loaded within " + outcome.FormatDuration(timeout)}
	case rep.Problem == nil: // it has reported no reason
		<-w.ended
		rep.Problem = &outcome.Problem{Kind: outcome.Died, Text: "the worker " + ending(w.usage) + " while it loaded the application"}
	}
	if rep.Problem != nil {
		w.Kill()
		w.Close()
		return nil, rep
	}
	return w, rep
}

// FD is a descriptor that becomes readable when there are messages.
func (w *Warm) FD() int { return w.fd }

// mostNext is the number of messages that are read in one call, so that a worker can't occupy the
// caller.
const mostNext = 64

// Next reads messages until one completes a report ([Report].Kind), and returns whether one did.
// Closed: there can be no more, although the worker may still run.
func (w *Warm) Next(rep *Report, buf []byte) (some, closed bool) {
	for range mostNext {
		n, _, err := unix.Recvfrom(w.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR, err == unix.ECONNRESET: // it ended with unread messages; its earlier reports follow
		case err != nil:
			return false, err != unix.EAGAIN
		case n == 0 && hungUp(w.fd):
			return false, true
		case report(rep, buf[:n]):
			return true, false
		}
	}
	return false, false
}

// State returns the state of the worker, or its last one when it has ended.
func (w *Warm) State() State { return w.board.state(time.Now()) }

// Sleep has the worker report (A) when it begins its next request, for a caller that reads no state
// until then.
func (w *Warm) Sleep() { w.board.asleep() }

// Served returns the requests that the worker has accepted and completed since the last call, and the
// number of further ones, for which the board had no free record.
func (w *Warm) Served() (list []Served, leftOut int) { return w.board.served() }

// Named returns the method, path and id of a current request that the worker has accepted.
func (w *Warm) Named(c Current) Served { return w.board.named(c) }

// Connection duplicates the connection of a current request that the worker has accepted
// (pidfd_getfd(2), Linux 5.6).
func (w *Warm) Connection(c Current) (int, error) {
	fd, err := unix.PidfdGetfd(w.PidFD(), c.Connection, 0)
	if err != nil {
		return -1, os.NewSyscallError("pidfd_getfd", err)
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if now := w.State(); err != nil || kind != unix.SOCK_STREAM || !slices.ContainsFunc(now.Requests, func(r Current) bool { return r.Begun == c.Begun }) {
		unix.Close(fd)
		return -1, errOther
	}
	return fd, nil
}

// errOther: the descriptor is not that of the request, which is over or whose board is invalid.
var errOther = errors.New("the worker has closed the connection")

// Ended returns a channel that is closed when the worker has ended.
func (w *Warm) Ended() <-chan struct{} { return w.ended }

// Ending describes how the worker ended, after Ended.
func (w *Warm) Ending() string { return "the worker " + ending(w.usage) }

// Begin has the worker accept requests and receive jobs.
func (w *Warm) Begin() { w.tell('G') }

// Quiet has the worker stop accepting. It still receives jobs.
func (w *Warm) Quiet() { w.tell('Q') }

func (w *Warm) tell(what byte) {
	_ = unix.Sendto(w.fd, []byte{what}, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
}

// Where has a worker with an event loop print the line that it is executing (runtime/asgiworker.py).
func (w *Warm) Where() { _ = unix.PidfdSendSignal(w.PidFD(), unix.SIGUSR2, nil, 0) }

// Leave has the worker end after its current requests: exit handlers run, and files are flushed.
func (w *Warm) Leave() { _ = unix.Shutdown(w.fd, unix.SHUT_WR) }

// killGrace is the time between SIGTERM and SIGKILL, and tellGrace the time for a parent to report
// an exit status.
const (
	killGrace = time.Second
	tellGrace = time.Second
)

// Kill kills the worker and its process group, and waits for the end.
func (w *Warm) Kill() {
	w.Signal(syscall.SIGTERM)
	select {
	case <-w.ended:
		return
	case <-time.After(killGrace):
	}
	w.Signal(syscall.SIGKILL)
	select {
	case <-w.ended:
	case <-time.After(tellGrace):
		w.WaitEnd()
		w.over(outcome.Usage{})
	}
}

// Close waits for the end of the worker, and frees its resources.
func (w *Warm) Close() {
	<-w.ended
	unix.Close(w.fd)
	w.Other.Close()
	w.board.close()
}
