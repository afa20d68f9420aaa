package wsgi

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/child"
	"golang.org/x/sys/unix"
)

// Parent is a Python process that has the application loaded, and forks workers
// (runtime/parent.py).
type Parent struct {
	process *process
	asking  sync.Mutex // one fork at a time
	forked  chan int   // its answers; closed when the parent has ended

	loaded   chan struct{} // closed when Problem, Warnings and Files are known
	problem  *child.Problem
	warnings []string
	files    []string

	mu      sync.Mutex
	workers map[int]*Warm
	early   map[int]child.Usage // of workers that ended before they were known
	usage   child.Usage
	gone    chan struct{} // closed when the parent has ended
}

// StartParent starts a parent.
func StartParent(cfg *Config) (*Parent, error) {
	proc, err := start(cfg, "parent")
	if err != nil {
		return nil, err
	}
	p := &Parent{process: proc, forked: make(chan int, 1), loaded: make(chan struct{}), gone: make(chan struct{}),
		workers: map[int]*Warm{}, early: map[int]child.Usage{}}
	go p.listen()
	return p, nil
}

// Loaded waits until the application is loaded, for at most timeout (0: for ever). Its
// error says why it is not; the parent is gone then.
func (p *Parent) Loaded(timeout time.Duration) *child.Problem {
	var late <-chan time.Time
	if timeout > 0 {
		late = time.After(timeout)
	}
	select {
	case <-p.loaded:
		if p.problem != nil {
			p.End()
		}
		return p.problem
	case <-late:
		p.End()
		return &child.Problem{Kind: child.Timeout, Text: "the application was not loaded after " + timeout.String()}
	}
}

// Warnings are sentences about what workers had better not share. They are known when
// the application is loaded.
func (p *Parent) Warnings() []string { return p.warnings }

// Files are those that the application's modules were loaded from.
func (p *Parent) Files() []string { return p.files }

// Fork makes a worker.
func (p *Parent) Fork() (*Warm, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	_ = unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF, jobBytes)
	p.asking.Lock()
	defer p.asking.Unlock()
	_, err = unix.SendmsgN(p.process.socket, []byte("F"), unix.UnixRights(pair[1]), nil, unix.MSG_NOSIGNAL)
	unix.Close(pair[1])
	pid, ok := 0, false
	if err == nil {
		pid, ok = <-p.forked
	}
	if !ok {
		unix.Close(pair[0])
		return nil, errors.New("the process that has the application loaded is gone")
	}
	w := &Warm{jobSocket: jobSocket{fd: pair[0], pidfd: -1}, pid: pid, ended: make(chan struct{})}
	if w.pidfd, err = unix.PidfdOpen(pid, 0); err != nil {
		w.pidfd = -1 // it has ended; its end of the socket says so, too
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if usage, ended := p.early[pid]; ended {
		delete(p.early, pid)
		w.usage = usage
		close(w.ended)
	} else {
		p.workers[pid] = w
	}
	return w, nil
}

// listen takes what the parent says, until it has ended.
func (p *Parent) listen() {
	var once sync.Once
	loaded := func(problem *child.Problem) {
		once.Do(func() {
			p.problem = problem
			close(p.loaded)
		})
	}
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(p.process.socket, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			break
		}
		kind, rest, _ := bytes.Cut(buf[:n], []byte{' '})
		switch string(kind) {
		case "W":
			p.warnings = append(p.warnings, string(rest))
		case "M":
			p.files = append(p.files, strings.Split(strings.TrimSuffix(string(rest), "\x00"), "\x00")...)
		case "R":
			loaded(nil)
		case "E":
			_, text, _ := bytes.Cut(rest, []byte{'\n'})
			loaded(&child.Problem{Kind: child.Failed, Text: string(text)})
		case "P":
			p.forked <- int(number(rest))
		case "X":
			if f := bytes.Fields(rest); len(f) == 4 {
				p.ended(int(number(f[0])), child.UsageOf(syscall.WaitStatus(number(f[1])),
					time.Duration(number(f[2]))*time.Microsecond, number(f[3])<<10))
			}
		}
	}
	p.usage = p.process.Wait(time.Time{})
	loaded(&child.Problem{Kind: child.Died, Text: "the process that loads the application " + ending(p.usage)})
	close(p.forked)
	p.orphans()
	close(p.gone)
}

// ended notes how a worker ended.
func (p *Parent) ended(pid int, usage child.Usage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.workers[pid]
	if w == nil {
		p.early[pid] = usage
		return
	}
	delete(p.workers, pid)
	w.usage = usage
	close(w.ended)
}

// orphans waits for workers whose parent has ended before them, which nobody tells how
// they end.
func (p *Parent) orphans() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for pid, w := range p.workers {
		delete(p.workers, pid)
		go func() {
			fds := []unix.PollFd{{Fd: int32(w.pidfd), Events: unix.POLLIN}}
			for w.pidfd >= 0 {
				if n, err := unix.Poll(fds, -1); n > 0 || err != nil && err != unix.EINTR {
					break
				}
			}
			close(w.ended)
		}()
	}
}

// Gone is closed when the parent has ended.
func (p *Parent) Gone() <-chan struct{} { return p.gone }

// End ends the parent. Its workers go on.
func (p *Parent) End() {
	_ = unix.Shutdown(p.process.socket, unix.SHUT_RDWR)
	select {
	case <-p.gone:
	case <-time.After(killGrace):
		p.process.Signal(syscall.SIGKILL) // it is in the middle of loading
		<-p.gone
	}
}
