package outcome

import (
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Usage are the resources of an ended process, from wait4(2). The zero value is for an unknown process.
type Usage struct {
	Status syscall.WaitStatus
	// Known is true if it was waited for.
	Known bool
	// CPU is user and system time together.
	CPU time.Duration
	// Late is true if the process was killed at its timeout.
	Late bool
	// PeakMemory is the largest resident set, in bytes.
	PeakMemory int64
}

// Signaled reports whether the process was killed by a signal.
func (u Usage) Signaled() bool { return u.Known && u.Status.Signaled() }

// Ending describes how the process ended.
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
