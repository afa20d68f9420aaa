package child

import (
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a process has used, from wait4(2).
type Usage struct {
	status syscall.WaitStatus
	known  bool
	// CPU is user and system time together.
	CPU time.Duration
	// Late says that the process had to be killed because its time was up.
	Late bool
	// PeakMemory is the largest resident set, in bytes.
	PeakMemory int64
}

// UsageOf is for a process that another one has waited for.
func UsageOf(status syscall.WaitStatus, cpu time.Duration, peakMemory int64) Usage {
	return Usage{status: status, known: true, CPU: cpu, PeakMemory: peakMemory}
}

// Signaled tells whether the process ended by a signal.
func (u Usage) Signaled() bool { return u.known && u.status.Signaled() }

// ExitStatus is the exit status of a process that was not ended by a signal.
func (u Usage) ExitStatus() int { return u.status.ExitStatus() }

// Ending says in words how the process ended.
func (u Usage) Ending() string {
	switch {
	case !u.known:
		return "ended"
	case u.status.Signaled() && u.status.Signal() == syscall.SIGKILL:
		return "was killed by SIGKILL: by hand, or because memory ran out"
	case u.status.Signaled():
		return "died of " + unix.SignalName(u.status.Signal())
	}
	return "exited with status " + strconv.Itoa(u.status.ExitStatus())
}
