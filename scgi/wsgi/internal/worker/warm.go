package worker

import (
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Warm is a worker that serves one job after the other, in the order in which they are
// sent to it. Nothing but [Warm.Kill] and [Warm.Retire] waits.
type Warm struct {
	jobSocket
	*child.Other
	own   int // the worker's end of its socket
	board *Board
	place int
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
// take a job, for at most timeout (0: for ever). Where that fails the report still has
// the files that the application was loaded from.
func StartWarm(cfg *Config, timeout time.Duration) (*Warm, Report) {
	var rep Report
	place, err := cfg.Warm.Board.take()
	if err != nil {
		rep.Problem = &outcome.Problem{Kind: outcome.Busy, Text: err.Error()}
		return nil, rep
	}
	p, err := start(cfg, many, place)
	if err != nil {
		cfg.Warm.Board.give(place)
		rep.Problem = child.NotStarted(err)
		return nil, rep
	}
	w := &Warm{jobSocket: jobSocket{p.socket, p.PidFD()}, Other: p.Other(), own: p.own, board: cfg.Warm.Board, place: place, ended: make(chan struct{})}
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

// Send sends a job, a message of [AppendJob] with its connection and the file of its
// body. Where the worker still has so many that there is no room, that is EAGAIN.
func (w *Warm) Send(msg []byte, conn int, body *os.File) error {
	return w.send(msg, conn, scgi.Body{File: body})
}

// TakeBack takes the job back that was sent first of those that the worker has not
// received, and returns its number, if there was one.
func (w *Warm) TakeBack() (number uint32, ok bool) {
	var rights [64]byte
	var head [jobHead]byte
	for {
		n, rn, _, _, err := unix.Recvmsg(w.own, head[:], rights[:], unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if msgs, err := unix.ParseSocketControlMessage(rights[:rn]); err == nil {
			for _, m := range msgs {
				fds, _ := unix.ParseUnixRights(&m)
				for _, fd := range fds { // what we sent is open still
					unix.Close(fd)
				}
			}
		}
		if err != nil || n < len(head) {
			return 0, false
		}
		return jobNumber(head[:]), true
	}
}

// mostNext is how many reports are read before others are looked after.
const mostNext = 64

// Next reads reports until one says that a job is done, and tells whether there was one. Closed
// says that there will be no other, although the worker may be there.
func (w *Warm) Next(rep *Report, buf []byte) (done, closed bool) {
	for range mostNext {
		n, _, err := unix.Recvfrom(w.fd, buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return false, err != unix.EAGAIN
		case n == 0 && w.closed():
			return false, true
		case report(rep, buf[:n]):
			return true, false
		}
	}
	return false, false
}

// State returns how many jobs the worker has begun, and the status of the response to the
// last one, which is 0 before its head goes out.
func (w *Warm) State() (begun int64, status int) { return w.board.read(w.place) }

// Ended is closed when the worker has ended, and then Ending tells how.
func (w *Warm) Ended() <-chan struct{} { return w.ended }

// Ending says how the worker ended that has not said it itself.
func (w *Warm) Ending() string { return "the worker " + ending(w.usage) }

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

// Retire ends the worker when it has nothing more to do, and waits for that: atexit
// runs, files are flushed. It is killed when that takes longer than grace.
func (w *Warm) Retire(grace time.Duration) {
	_ = unix.Shutdown(w.fd, unix.SHUT_RDWR)
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-w.ended:
	case <-late.C:
		w.Kill()
	}
}

// Close frees what the worker takes in this process. It must have ended.
func (w *Warm) Close() {
	<-w.ended
	unix.Close(w.fd)
	unix.Close(w.own)
	w.Other.Close()
	w.board.give(w.place)
}
