package wsgi

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Usage is what a worker has used, from wait4(2).
type Usage struct {
	status syscall.WaitStatus
	known  bool
	// CPU is user and system time together.
	CPU time.Duration
	// Late says that the worker had to be killed because its time was up.
	Late bool
	// PeakMemory is the largest resident set, in bytes.
	PeakMemory int64
}

// Ending says in words how the process ended.
func (u Usage) Ending() string {
	switch {
	case u.status.Signaled() && u.status.Signal() == syscall.SIGKILL:
		return "was killed by SIGKILL: by hand, or because memory ran out"
	case u.status.Signaled():
		return "died of " + unix.SignalName(u.status.Signal())
	}
	return "exited with status " + strconv.Itoa(u.status.ExitStatus()) + " without an answer"
}

// Signal sends a signal to the worker and its process group.
func (w *Worker) Signal(sig syscall.Signal) { _ = syscall.Kill(-w.pid, sig) }

// Wait waits until the worker has ended, but not past the deadline (zero: no
// deadline), and says what it used. A worker that is late is killed.
func (w *Worker) Wait(deadline time.Time) Usage {
	if w.usage.known {
		return w.usage
	}
	late := !w.ended(deadline)
	if late {
		w.Signal(syscall.SIGKILL)
	}
	w.reap()
	w.usage.Late = late
	return w.usage
}

// killGrace is how long a worker may take to end by SIGTERM, for an application that
// handles it.
const killGrace = time.Second

// Kill ends the worker and all of its descendants, and returns when they are
// gone. It is for a process that has no children but this worker.
func (w *Worker) Kill() Usage {
	if w.usage.known {
		return w.usage
	}
	w.Signal(syscall.SIGTERM)
	w.ended(time.Now().Add(killGrace))
	killGroup(w.pid)
	return w.reap()
}

// ended waits until the worker can be reaped, and tells whether it can.
func (w *Worker) ended(deadline time.Time) bool {
	if w.pidfd < 0 {
		return w.endedWithoutPidfd(deadline)
	}
	fds := []unix.PollFd{{Fd: int32(w.pidfd), Events: unix.POLLIN}}
	for {
		ms := -1
		if !deadline.IsZero() {
			ms = max(0, int(time.Until(deadline)/time.Millisecond)+1)
		}
		n, err := unix.Poll(fds, ms)
		if err == unix.EINTR {
			continue
		}
		return n > 0
	}
}

// endedWithoutPidfd asks again and again: kernels before 5.2 offer nothing
// better that is safe beside other children.
func (w *Worker) endedWithoutPidfd(deadline time.Time) bool {
	for {
		var info unix.Siginfo
		if err := unix.Waitid(unix.P_PID, w.pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil); err == nil && info.Signo != 0 {
			return true
		}
		if !deadline.IsZero() && time.Now().After(deadline) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *Worker) reap() Usage {
	u := Usage{known: true}
	var ru syscall.Rusage
	for {
		if _, err := syscall.Wait4(w.pid, &u.status, 0, &ru); err != syscall.EINTR {
			break
		}
	}
	u.CPU = time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
	u.PeakMemory = ru.Maxrss << 10
	w.usage = u
	return u
}

// Close frees what the worker takes in this process. The worker must have ended.
func (w *Worker) Close() {
	unix.Close(w.jobs)
	if w.pidfd >= 0 {
		unix.Close(w.pidfd)
	}
}

// AdoptOrphans makes this process the parent of descendants whose own parent has
// ended, so that [Worker.Kill] finds those that left the process group.
func AdoptOrphans() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// killGroup kills a process group, and every other child that this process has
// or inherits on the way.
func killGroup(pgid int) {
	_ = syscall.Kill(-pgid, syscall.SIGKILL)
	self := strconv.Itoa(os.Getpid())
	for range 100 { // a bound for those who fork faster than they can be killed
		others := 0
		for _, child := range children(self) {
			if child != pgid {
				others++
				_ = syscall.Kill(child, syscall.SIGKILL)
				_, _ = syscall.Wait4(child, nil, 0, nil)
			}
		}
		if others == 0 {
			return
		}
	}
}

func children(pid string) (pids []int) {
	tasks, _ := os.ReadDir("/proc/" + pid + "/task")
	for _, t := range tasks {
		list, _ := os.ReadFile("/proc/" + pid + "/task/" + t.Name() + "/children")
		for f := range strings.FieldsSeq(string(list)) {
			if n, err := strconv.Atoi(f); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}
