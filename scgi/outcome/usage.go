package outcome

import (
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a process has used, from wait4(2). The zero value is that of one that nobody
// has waited for.
type Usage struct {
	// Status is how it ended.
	Status syscall.WaitStatus
	// Known tells whether it was waited for.
	Known bool
	// CPU is user and system time together.
	CPU time.Duration
	// Late tells that the process was killed because its time was up.
	Late bool
	// PeakMemory is the largest resident set, in bytes.
	PeakMemory int64
}

// Signaled tells whether the process ended by a signal.
func (u Usage) Signaled() bool { return u.Known && u.Status.Signaled() }

// Ending is how the process ended, in words.
func (u Usage) Ending() string {
	switch {
	case !u.Known:
		return "ended"
	case u.Status.Signaled() && u.Status.Signal() == syscall.SIGKILL:
		return "was killed by SIGKILL, by hand or by the kernel for lack of memory"
	case u.Status.Signaled():
		return "died of " + unix.SignalName(u.Status.Signal())
	}
	return "exited with status " + strconv.Itoa(u.Status.ExitStatus())
}
