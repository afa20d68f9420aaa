package child

import (
	"sync"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Process is a process that was started for a request.
type Process struct {
	pid   int
	pidfd int // -1 where the kernel has none (before 5.2)
	alone bool

	mu    sync.Mutex // a signal and taking leave: after that the number may be another's
	usage outcome.Usage
}

// Attr says how a [Process] is started.
type Attr struct {
	// Env is its whole environment.
	Env []string
	// Dir is its working directory, "" for that of this process.
	Dir string
	// Files are its descriptors, from 0 on.
	Files []uintptr
	// Alone says that this process has no other children. [Process.Kill] then
	// finds descendants that left the process group, too.
	Alone bool
}

// Start starts a program, whose first argument is argv[0]. It is killed when the
// thread that calls Start ends: with this process, because Go ends a thread before
// that only with a goroutine that has called runtime.LockOSThread. The error is an
// errno, of execve(2) or of what comes before it.
func Start(path string, argv []string, attr *Attr) (*Process, error) {
	p := &Process{pidfd: -1, alone: attr.Alone}
	var err error
	p.pid, err = syscall.ForkExec(path, argv, &syscall.ProcAttr{
		Dir:   attr.Dir,
		Env:   attr.Env,
		Files: attr.Files,
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, PidFD: &p.pidfd},
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Pid is the process id, which is also that of its group.
func (p *Process) Pid() int { return p.pid }

// PidFD returns a descriptor that becomes readable when the process has ended, or
// -1 where the kernel has none.
func (p *Process) PidFD() int { return p.pidfd }

// Other returns the process for callers that don't wait for it. One of both is to be closed, when
// nobody waits any more.
func (p *Process) Other() *Other { return &Other{pid: p.pid, pidfd: p.pidfd} }

// Signal sends a signal to the process group, and to the process itself where it has
// left that for another. Once leave was taken of the process nobody gets it.
func (p *Process) Signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.usage.Known {
		return
	}
	_ = syscall.Kill(-p.pid, sig)
	if group, err := syscall.Getpgid(p.pid); err == nil && group != p.pid || sig == syscall.SIGKILL {
		_ = syscall.Kill(p.pid, sig)
	}
}

// Wait waits until the process has ended, but not past the deadline (zero: no
// deadline), and says what it used. A process that is late is killed. What is left of its
// process group is, too.
func (p *Process) Wait(deadline time.Time) outcome.Usage {
	if p.usage.Known {
		return p.usage
	}
	late := !deadline.IsZero() && !p.Ended(deadline)
	if late {
		p.Signal(syscall.SIGKILL)
	}
	p.reap()
	p.usage.Late = late
	return p.usage
}

// killGrace is how long a process may take to end by SIGTERM, for one that
// handles it.
const killGrace = time.Second

// Kill ends the process and its descendants: SIGTERM, and after a second SIGKILL.
func (p *Process) Kill() outcome.Usage {
	if p.usage.Known { // the process id may be reused
		return p.usage
	}
	p.Signal(syscall.SIGTERM)
	p.Ended(time.Now().Add(killGrace))
	p.KillGroup()
	return p.reap()
}

// Ended waits until the process can be reaped, and tells whether it can, or was.
func (p *Process) Ended(deadline time.Time) bool {
	if p.usage.Known {
		return true
	}
	if p.pidfd < 0 {
		return p.endedWithoutPidfd(deadline)
	}
	n, _ := poll.Until([]unix.PollFd{{Fd: int32(p.pidfd), Events: unix.POLLIN}}, deadline)
	return n > 0
}

// endedWithoutPidfd asks again and again: kernels before 5.2 offer nothing
// better that is safe beside other children.
func (p *Process) endedWithoutPidfd(deadline time.Time) bool {
	for {
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_PID, p.pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil); err == unix.ECHILD || err == nil && info.Signo != 0 {
			return true
		}
		if !deadline.IsZero() && time.Now().After(deadline) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *Process) reap() outcome.Usage {
	if p.usage.Known {
		return p.usage
	}
	p.Ended(time.Time{}) // or it could not be signalled while this waits
	p.mu.Lock()
	defer p.mu.Unlock()
	// What is left of its group ends with it. Until leave is taken the number is its own.
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	u := outcome.Usage{Known: true}
	var ru syscall.Rusage
	for {
		if _, err := syscall.Wait4(p.pid, &u.Status, 0, &ru); err != syscall.EINTR {
			break
		}
	}
	u.CPU = time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	u.PeakMemory = ru.Maxrss << 10
	p.usage = u
	return u
}

// Close frees what the process takes in this one. It must have ended.
func (p *Process) Close() {
	if p.pidfd >= 0 {
		unix.Close(p.pidfd)
		p.pidfd = -1
	}
}
