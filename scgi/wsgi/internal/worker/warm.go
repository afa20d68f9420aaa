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

// Warm is a worker that serves one request after the other: those that it accepts, and jobs that
// come through the [Door]. Nothing but [Warm.Kill] waits.
type Warm struct {
	jobSocket
	*child.Other
	board *board
	end   sync.Once
	ended chan struct{} // closed when the worker has ended, and usage is known if it will ever be
	usage outcome.Usage
}

// over notes that the worker has ended.
func (w *Warm) over(usage outcome.Usage) {
	w.end.Do(func() {
		w.usage = usage
		close(w.ended)
	})
}

// StartWarm starts a worker that loads the application by itself, and waits until it can
// begin, for at most timeout (0: for ever). Where that fails the report still has the files
// that the application was loaded from.
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
		rep.Problem = &outcome.Problem{Kind: outcome.Timeout, Text: "the application was not loaded after " + timeout.String()}
	case rep.Problem == nil: // it has not said why
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

// FD becomes readable when there is a report.
func (w *Warm) FD() int { return w.fd }

// mostNext is how many messages are read before others are looked after.
const mostNext = 64

// Next reads messages until one is a report of its own ([Report].Kind), and tells whether there was
// one. Closed says that there will be no other, although the worker may be there.
func (w *Warm) Next(rep *Report, buf []byte) (some, closed bool) {
	for range mostNext {
		n, _, err := unix.Recvfrom(w.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR, err == unix.ECONNRESET: // it ended with something unread; what it said before follows
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

// State is what the worker is doing.
func (w *Warm) State() State { return w.board.state(time.Now()) }

// Sleep has the worker say so (A) when it begins its next request: until then nobody looks.
func (w *Warm) Sleep() { w.board.asleep() }

// Served returns the requests that the worker has accepted and answered since the last call, and
// how many others there were that it had no room to tell of.
func (w *Warm) Served() (list []Served, leftOut int) { return w.board.served() }

// Named is a request that the worker is at, or was at when it ended, as the log calls it.
func (w *Warm) Named(c Current) Served { return w.board.named(c) }

// Connection returns a descriptor of ours of the connection of a request that the worker is at and
// has accepted by itself (pidfd_getfd(2), Linux 5.6).
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

// errOther: the worker has gone on, or has lied.
var errOther = errors.New("its worker has closed the connection")

// Ended is closed when the worker has ended, and then Ending tells how.
func (w *Warm) Ended() <-chan struct{} { return w.ended }

// Ending says how the worker ended that has not said it itself.
func (w *Warm) Ending() string { return "the worker " + ending(w.usage) }

// Begin has the worker accept requests and take jobs.
func (w *Warm) Begin() { w.tell('G') }

// Quiet has the worker accept nothing more. It takes jobs still.
func (w *Warm) Quiet() { w.tell('Q') }

func (w *Warm) tell(what byte) {
	_ = unix.Sendto(w.fd, []byte{what}, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
}

// Where has a worker with an event loop write to the log which line it is at (runtime/asgiworker.py).
func (w *Warm) Where() { _ = unix.PidfdSendSignal(w.PidFD(), unix.SIGUSR2, nil, 0) }

// Leave has the worker end when it has nothing more to do: atexit runs, files are flushed.
func (w *Warm) Leave() { _ = unix.Shutdown(w.fd, unix.SHUT_WR) }

// killGrace is how long a worker may take to end by SIGTERM, and tellGrace how long a parent
// may to say how one has ended.
const (
	killGrace = time.Second
	tellGrace = time.Second
)

// Kill ends the worker and its process group, and waits for that.
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

// Close frees what the worker takes in this process. It must have ended.
func (w *Warm) Close() {
	<-w.ended
	unix.Close(w.fd)
	w.Other.Close()
	w.board.close()
}
