package worker

import (
	"bytes"
	"slices"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Parent is a Python process that has the application loaded, and forks workers (runtime/parent.py). Of its
// methods, only [Parent.Trial], [Parent.Kill] and [Parent.Close] block. It is for use by one goroutine.
type Parent struct {
	process *process
	places  int       // of the board of each worker
	asked   []*Warm   // the requested forks, in order
	since   time.Time // when it began with the first of them
	workers map[int]*Warm
	gone    chan struct{} // closed when it has ended
	usage   outcome.Usage
}

// Forked is a parent's answer to [Parent.Fork].
type Forked struct {
	// Worker is the new worker; nil: see Problem.
	Worker *Warm
	// Problem is the reason why the fork failed.
	Problem *outcome.Problem
}

// StartParent starts a parent, and waits until it has loaded the application, for at most timeout
// (0: no limit). If that fails, the report still has the files that the application was loaded from.
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
		rep.Problem = &outcome.Problem{Kind: outcome.Timeout, Text: "the application was not loaded within " + outcome.FormatDuration(timeout)}
	case rep.Problem == nil: // it has reported no reason
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

// FD is a descriptor that becomes readable when there are messages for Handle.
func (p *Parent) FD() int { return p.process.socket }

// Fork requests a worker. [Parent.Handle] returns the result later.
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

// Since returns when the parent began with its current fork; zero: there is none.
func (p *Parent) Since() time.Time {
	if len(p.asked) == 0 {
		return time.Time{}
	}
	return p.since
}

// Trial forks a worker and waits until the lifespan of its ASGI application has started, for at most timeout
// (0: no limit). The parent must have no other use meanwhile. If the report has a problem, the caller must
// end the parent.
func (p *Parent) Trial(timeout time.Duration) (*Warm, Report) {
	var rep Report
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	if err := p.Fork(); err != nil {
		rep.Problem = &outcome.Problem{Kind: outcome.Busy, Text: err.Error()}
		return nil, rep
	}
	fds := []unix.PollFd{{Fd: int32(p.FD()), Events: unix.POLLIN}}
	buf := make([]byte, 64<<10)
	var forked []Forked
	for len(forked) == 0 {
		if n, _ := poll.Until(fds, deadline); n == 0 {
			rep.Problem = &outcome.Problem{Kind: outcome.Timeout, Text: "no worker was forked within " + outcome.FormatDuration(timeout)}
			return nil, rep
		}
		forked, _ = p.Handle(buf)
	}
	w := forked[0].Worker
	if w == nil {
		rep.Problem = forked[0].Problem
		return nil, rep
	}
	if started, _ := (jobSocket{w.fd, w.PidFD()}).await(&rep, deadline); !started {
		rep.Problem = &outcome.Problem{Kind: outcome.Failed, Text: "the worker ended, or was late, at the startup of its lifespan"}
	}
	if rep.Problem != nil {
		go func() {
			w.Kill()
			w.Close()
		}()
		return nil, rep
	}
	return w, rep
}

// Handle handles the messages of the parent, which an application can forge. Alive is false if the
// parent has ended or closed its socket. Then forked has a result for each requested fork.
func (p *Parent) Handle(buf []byte) (forked []Forked, alive bool) {
	for range mostNext {
		n, _, err := unix.Recvfrom(p.process.socket, buf, unix.MSG_DONTWAIT)
		switch {
		case err == unix.EINTR, err == unix.ECONNRESET: // it ended with unread requests; its earlier messages follow
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
				continue // no fork was requested
			}
			if kind[0] == 'P' {
				forked = append(forked, p.born(int(number(rest))))
			} else {
				forked = append(forked, p.unborn("forking a worker failed: "+string(rest)))
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
	if w.PidFD() < 0 { // it has ended: an X follows, unless the application forged the message
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

// ended records the end of a worker, if it has ended.
func (p *Parent) ended(pid int, usage outcome.Usage) {
	if w := p.workers[pid]; w != nil && w.Other.Ended() {
		delete(p.workers, pid)
		w.over(usage)
	}
}

// Orphan cleans up after a parent that ended before its workers: the requested forks fail, and the
// exit status of the workers remains unknown.
func (p *Parent) Orphan() (forked []Forked) {
	for len(p.asked) > 0 {
		forked = append(forked, p.unborn("the process that forks workers has ended"))
	}
	for pid, w := range p.workers {
		delete(p.workers, pid)
		go func() {
			w.WaitEnd()
			w.Signal(syscall.SIGKILL) // the rest of its process group, as its parent would do
			w.over(outcome.Usage{})
		}()
	}
	return forked
}

// Leave has the parent end after its last worker. There are no more forks.
func (p *Parent) Leave() { _ = unix.Shutdown(p.process.socket, unix.SHUT_WR) }

// Ended returns a channel that is closed when the parent has ended.
func (p *Parent) Ended() <-chan struct{} { return p.gone }

// Ending describes how the parent ended, after Ended.
func (p *Parent) Ending() string {
	return "the process that forks workers " + ending(p.usage)
}

// closeGrace is the time that a parent has to end.
const closeGrace = 5 * time.Second

// Kill kills the parent, and waits for its end. Its workers keep running.
func (p *Parent) Kill() {
	p.process.Signal(syscall.SIGKILL)
	<-p.gone
}

// Close waits for the end of the parent, kills it after closeGrace, and frees its resources.
func (p *Parent) Close() {
	select {
	case <-p.gone:
	case <-time.After(closeGrace):
		p.Kill()
	}
	unix.Close(p.process.socket)
	p.process.Close()
}
