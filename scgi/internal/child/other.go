package child

import (
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/poll"
	"golang.org/x/sys/unix"
)

// Other is a process that isn't a child of this one, so that it can end, and its process id be reused,
// at any time. It is safe for concurrent use.
type Other struct {
	pid   int
	mu    sync.Mutex
	pidfd int // -1: it had ended, it was no child of the parent, or Other is closed
}

// ChildOf returns the process pid, which is an unverified number, if it is a child of parent. Otherwise
// it returns a process that has ended.
func ChildOf(parent, pid int) *Other {
	gone := &Other{pid: pid, pidfd: -1}
	if pid <= 1 || parent <= 1 {
		return gone
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return gone
	}
	// If it has not ended by now, /proc was read for this process and not for a later one.
	if !isChild(parent, pid) || ended(fd) {
		unix.Close(fd)
		return gone
	}
	return &Other{pid: pid, pidfd: fd}
}

// isChild returns whether a process is a child of parent. If /proc hides the process, because it is
// not dumpable (hidepid in proc(5)), a process of the same service is accepted.
func isChild(parent, pid int) bool {
	if p := parentOf(pid); p != 0 {
		return p == parent
	}
	return pid != parent && inSession(pid)
}

// inSession returns whether a process has its own group in the session of this process, which is that
// of the service.
func inSession(pid int) bool {
	session, err := unix.Getsid(pid)
	if err != nil {
		return false
	}
	own, err := unix.Getsid(0)
	group, _ := unix.Getpgid(pid)
	return err == nil && session == own && group == pid && pid != own && pid != os.Getpid()
}

// Pid returns the process id, which may have been reused since the process ended.
func (o *Other) Pid() int { return o.pid }

// PidFD returns a descriptor that becomes readable when the process has ended; -1: it had ended before.
func (o *Other) PidFD() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pidfd
}

// Ended returns whether the process has ended.
func (o *Other) Ended() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return ended(o.pidfd)
}

func ended(pidfd int) bool {
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	n, err := poll.Now(fds)
	return pidfd < 0 || err != nil || n != 0
}

// WaitEnd waits until the process has ended.
func (o *Other) WaitEnd() {
	fd := o.own()
	if fd < 0 {
		return
	}
	defer unix.Close(fd)
	_, _ = poll.Until([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, time.Time{})
}

// own returns a duplicate of the descriptor, -1 if the process has ended.
func (o *Other) own() int {
	for !o.Ended() {
		o.mu.Lock()
		fd, err := unix.FcntlInt(uintptr(o.pidfd), unix.F_DUPFD_CLOEXEC, 3)
		o.mu.Unlock()
		if err == nil {
			return fd
		}
		time.Sleep(100 * time.Millisecond) // until a descriptor is free
	}
	return -1
}

// signalGroup is PIDFD_SIGNAL_PROCESS_GROUP of pidfd_send_signal(2), Linux 6.9.
const signalGroup = 1 << 2

// Signal sends a signal to the process, even if it has left its group, and to the group with its
// number, which can outlive the process.
func (o *Other) Signal(sig syscall.Signal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pidfd < 0 {
		return
	}
	// Older kernels identify a group by its number, which can't be reused before the process has ended.
	if err := unix.PidfdSendSignal(o.pidfd, sig, nil, signalGroup); err == unix.EINVAL && !ended(o.pidfd) {
		_ = syscall.Kill(-o.pid, sig)
	}
	if group, err := syscall.Getpgid(o.pid); err == nil && group != o.pid || sig == syscall.SIGKILL {
		_ = unix.PidfdSendSignal(o.pidfd, sig, nil, 0)
	}
}

// Close closes the descriptor.
func (o *Other) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pidfd >= 0 {
		unix.Close(o.pidfd)
		o.pidfd = -1
	}
}
