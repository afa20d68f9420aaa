package child

import (
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/poll"
	"golang.org/x/sys/unix"
)

// Other is a process that this one is not the parent of: it may be gone, and its number
// another's, at any moment. It is for use by many goroutines.
type Other struct {
	pid   int
	mu    sync.Mutex
	pidfd int // -1: it was gone, or was none of those that it may be; or this is closed
}

// ChildOf returns the process with a number that somebody has told, if it is a child of
// parent. Where it isn't, or is no more, the result stands for a process that has ended.
func ChildOf(parent, pid int) *Other {
	gone := &Other{pid: pid, pidfd: -1}
	if pid <= 1 || parent <= 1 {
		return gone
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return gone
	}
	// While it has not ended, its number is no other's: what /proc said before is of it.
	if !isChild(parent, pid) || ended(fd) {
		unix.Close(fd)
		return gone
	}
	return &Other{pid: pid, pidfd: fd}
}

// isChild tells whether a process is a child of parent. Where /proc is silent, because the process
// is not dumpable (hidepid in proc(5)), it is enough to be one of the same service.
func isChild(parent, pid int) bool {
	if p := parentOf(pid); p != 0 {
		return p == parent
	}
	return pid != parent && inSession(pid)
}

// inSession tells whether a process has a group of its own in the session of this one, which is
// that of a service.
func inSession(pid int) bool {
	session, err := unix.Getsid(pid)
	if err != nil {
		return false
	}
	own, err := unix.Getsid(0)
	group, _ := unix.Getpgid(pid)
	return err == nil && session == own && group == pid && pid != own && pid != os.Getpid()
}

// Pid is the number that the process had while it was there.
func (o *Other) Pid() int { return o.pid }

// PidFD returns a descriptor that becomes readable when the process has ended, -1 where it
// had before.
func (o *Other) PidFD() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.pidfd
}

// Ended tells whether the process has ended.
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

// own returns a descriptor of the process that nobody else closes, -1 where it is gone.
func (o *Other) own() int {
	for !o.Ended() {
		o.mu.Lock()
		fd, err := unix.FcntlInt(uintptr(o.pidfd), unix.F_DUPFD_CLOEXEC, 3)
		o.mu.Unlock()
		if err == nil {
			return fd
		}
		time.Sleep(100 * time.Millisecond) // until there is a descriptor again
	}
	return -1
}

// signalGroup has a pidfd stand for the group that is called after its process
// (PIDFD_SIGNAL_PROCESS_GROUP in pidfd_send_signal(2), Linux 6.9).
const signalGroup = 1 << 2

// Signal sends a signal to the process, whatever group it is in now, and to the group that
// is called after it, which may be there when the process is not.
func (o *Other) Signal(sig syscall.Signal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pidfd < 0 {
		return
	}
	// Older kernels know a group by its number, which is its own as long as the process is there.
	if err := unix.PidfdSendSignal(o.pidfd, sig, nil, signalGroup); err == unix.EINVAL && !ended(o.pidfd) {
		_ = syscall.Kill(-o.pid, sig)
	}
	if group, err := syscall.Getpgid(o.pid); err == nil && group != o.pid || sig == syscall.SIGKILL {
		_ = unix.PidfdSendSignal(o.pidfd, sig, nil, 0)
	}
}

// Close frees what is taken in this process.
func (o *Other) Close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pidfd >= 0 {
		unix.Close(o.pidfd)
		o.pidfd = -1
	}
}
