package worker

import (
	"bytes"
	"slices"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Parent is a Python process that has the application loaded, and forks workers
// (runtime/parent.py). After [StartParent] nothing waits but [Parent.Kill], and it is for use
// by one goroutine.
type Parent struct {
	process *process
	places  int       // of the board of each worker
	asked   []*Warm   // the forks that it has not answered for, in order
	since   time.Time // when it had the first of them to answer for
	workers map[int]*Warm
	gone    chan struct{} // closed when it has ended
	usage   outcome.Usage
}

// Forked is a parent's answer to [Parent.Fork].
type Forked struct {
	// Worker is the fork, nil if there is none.
	Worker *Warm
	// Problem is why there is no such worker.
	Problem *outcome.Problem
}

// StartParent starts a parent, and waits until it has the application loaded, for at most
// timeout (0: for ever). Where that fails the report still has the files that the
// application was loaded from.
func StartParent(cfg *Config, timeout time.Duration) (*Parent, Report) {
	var rep Report
	proc, err := start(cfg, parent, -1)
	if err != nil {
		rep.Problem = child.NotStarted(err)
		return nil, rep
	}
	p := &Parent{process: proc, places: cfg.Warm.Concurrency, workers: map[int]*Warm{}, gone: make(chan struct{})}
	go func() {
		p.usage = proc.Wait(time.Time{})
		close(p.gone)
	}()
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	socket := jobSocket{proc.socket, proc.PidFD()}
	switch done, alive := socket.await(&rep, deadline); {
	case done:
	case alive:
		rep.Problem = &outcome.Problem{Kind: outcome.Timeout, Text: "the application was not loaded after " + timeout.String()}
	case rep.Problem == nil: // it has not said why
		<-p.gone
		rep.Problem = &outcome.Problem{Kind: outcome.Died, Text: "the process that loads the application " + ending(p.usage)}
	}
	if rep.Problem != nil {
		p.Kill()
		p.Close()
		return nil, rep
	}
	return p, rep
}

// FD becomes readable when there is something for Handle.
func (p *Parent) FD() int { return p.process.socket }

// Fork asks for a worker. What becomes of it is what [Parent.Handle] returns later.
func (p *Parent) Fork() error {
	b, err := newBoard(p.places)
	if err != nil {
		return err
	}
	defer b.handedOver()
	pair, err := jobSocketPair()
	if err != nil {
		b.close()
		return err
	}
	defer unix.Close(pair[1])
	if err := sendMessage(p.process.socket, []byte{'F'}, []int{pair[1], b.fd}); err != nil {
		unix.Close(pair[0])
		b.close()
		return err
	}
	if len(p.asked) == 0 {
		p.since = time.Now()
	}
	p.asked = append(p.asked, &Warm{jobSocket: jobSocket{pair[0], -1}, Other: child.ChildOf(0, 0), board: b, ended: make(chan struct{})})
	return nil
}

// Since is when the parent had the fork to make that it has not answered for, zero where there
// is none.
func (p *Parent) Since() time.Time {
	if len(p.asked) == 0 {
		return time.Time{}
	}
	return p.since
}

// Handle takes what the parent says, of which the application may have written all. Alive is
// false when it has ended, or says no more; then all that it was asked for is answered.
func (p *Parent) Handle(buf []byte) (forked []Forked, alive bool) {
	for range mostNext {
		n, _, err := unix.Recvfrom(p.process.socket, buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR, err == unix.ECONNRESET: // it ended with something unread; what it said before follows
			continue
		case err == unix.EAGAIN:
			return forked, true
		case err != nil || n == 0 && hungUp(p.process.socket):
			return append(forked, p.Orphan()...), false
		}
		kind, rest, _ := bytes.Cut(buf[:n], []byte{' '})
		switch string(kind) {
		case "P", "N":
			if len(p.asked) == 0 {
				continue // it was asked for none
			}
			if kind[0] == 'P' {
				forked = append(forked, p.born(int(number(rest))))
			} else {
				forked = append(forked, p.unborn("no worker can be forked: "+string(rest)))
			}
		case "X":
			if f := bytes.Fields(rest); len(f) == 4 {
				p.ended(int(number(f[0])), outcome.Usage{Known: true, Status: syscall.WaitStatus(number(f[1])),
					CPU: time.Duration(number(f[2])) * time.Microsecond, PeakMemory: number(f[3]) << 10})
			}
		}
	}
	return forked, true
}

func (p *Parent) answered() *Warm {
	w := p.asked[0]
	p.asked = slices.Delete(p.asked, 0, 1)
	p.since = time.Now()
	return w
}

func (p *Parent) born(pid int) Forked {
	w := p.answered()
	w.Other = child.ChildOf(p.process.Pid(), pid)
	if w.PidFD() < 0 { // how it has ended is about to be told, or nothing is
		time.AfterFunc(tellGrace, func() { w.over(outcome.Usage{}) })
	}
	p.workers[pid] = w
	return Forked{Worker: w}
}

func (p *Parent) unborn(why string) Forked {
	w := p.answered()
	w.over(outcome.Usage{})
	w.Close()
	return Forked{Problem: &outcome.Problem{Kind: outcome.Busy, Text: why}}
}

// ended notes how a worker ended, when it has.
func (p *Parent) ended(pid int, usage outcome.Usage) {
	if w := p.workers[pid]; w != nil && w.Other.Ended() {
		delete(p.workers, pid)
		w.over(usage)
	}
}

// Orphan deals with what is left of a parent that ends before its workers: nobody tells how
// those end.
func (p *Parent) Orphan() (forked []Forked) {
	for len(p.asked) > 0 {
		forked = append(forked, p.unborn("the process that has the application loaded is gone"))
	}
	for pid, w := range p.workers {
		delete(p.workers, pid)
		go func() {
			w.WaitEnd()
			w.Signal(syscall.SIGKILL) // what is left of its group, which its parent would have ended
			w.over(outcome.Usage{})
		}()
	}
	return forked
}

// Leave asks for no more forks. The parent ends with the last of its workers.
func (p *Parent) Leave() { _ = unix.Shutdown(p.process.socket, unix.SHUT_WR) }

// Ended is closed when the parent has ended, and then Ending tells how.
func (p *Parent) Ended() <-chan struct{} { return p.gone }

// Ending says how the parent ended that has not said it itself.
func (p *Parent) Ending() string {
	return "the process that has the application loaded " + ending(p.usage)
}

// closeGrace is how long a parent may take to end.
const closeGrace = 5 * time.Second

// Kill ends the parent, and waits for that. Its workers go on.
func (p *Parent) Kill() {
	p.process.Signal(syscall.SIGKILL)
	<-p.gone
}

// Close frees what the parent takes in this process, when it has ended. One that says no more
// is about to.
func (p *Parent) Close() {
	select {
	case <-p.gone:
	case <-time.After(closeGrace):
		p.Kill()
	}
	unix.Close(p.process.socket)
	p.process.Close()
}
