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

	mu    sync.Mutex // held for a signal, and for wait4, after which the process id may be reused
	usage outcome.Usage
}

// Attr has the attributes of a new [Process].
type Attr struct {
	// Env is its complete environment.
	Env []string
	// Dir is its working directory; "": that of this process.
	Dir string
	// Files are its descriptors, from 0 on.
	Files []uintptr
	// Alone declares that this process has no other children. [Process.Kill] then also finds
	// descendants that left the process group.
	Alone bool
}

// Start starts a program; argv[0] is its name. The process is killed when the thread that calls Start
// ends. That is the end of this process, unless the goroutine has called runtime.LockOSThread. The error
// is an errno, of execve(2) or of an earlier system call.
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

// PidFD returns a descriptor that becomes readable when the process has ended, -1 if the kernel is too
// old.
func (p *Process) PidFD() int { return p.pidfd }

// Other returns the process for callers that don't wait for it. The caller closes one of the two, after
// the last wait.
func (p *Process) Other() *Other { return &Other{pid: p.pid, pidfd: p.pidfd} }

// Signal sends a signal to the process group, and to the process if it has left the group. It does
// nothing after wait4, when the process id may be reused.
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

// Wait waits for the end of the process, and returns its usage. At the deadline (zero: none) it kills the
// process. It also kills the rest of the process group.
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

// killGrace is the time between SIGTERM and SIGKILL.
const killGrace = time.Second

// Kill kills the process and its descendants: with SIGTERM, and after a second with SIGKILL.
func (p *Process) Kill() outcome.Usage {
	if p.usage.Known { // the process id may be reused
		return p.usage
	}
	p.Signal(syscall.SIGTERM)
	p.Ended(time.Now().Add(killGrace))
	p.KillGroup()
	return p.reap()
}

// Ended waits for the end of the process until the deadline, and returns whether it has ended.
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

// endedWithoutPidfd polls: kernels before 5.2 have nothing better that ignores other children.
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
	p.Ended(time.Time{}) // before locking, so that others can send signals while this waits
	p.mu.Lock()
	defer p.mu.Unlock()
	// The rest of its group. Before wait4, the number can't be that of another group.
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

// Close frees the resources of the process, which must have ended.
func (p *Process) Close() {
	if p.pidfd >= 0 {
		unix.Close(p.pidfd)
		p.pidfd = -1
	}
}
