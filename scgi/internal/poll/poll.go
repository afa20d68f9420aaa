// Package poll waits for file descriptors, as poll(2) does, until a point in time.
package poll

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Until waits for the events of fds, sets their Revents, and returns the number of ready ones, 0 at the
// deadline. A zero deadline is no deadline; with a past one, Until checks once. Signals don't interrupt
// the wait. The error is that of ppoll(2), as [os.SyscallError].
func Until(fds []unix.PollFd, deadline time.Time) (ready int, err error) {
	for {
		var timeout *unix.Timespec // nil: no limit
		if !deadline.IsZero() {
			left := unix.NsecToTimespec(max(0, time.Until(deadline).Nanoseconds()))
			timeout = &left
		}
		n, err := unix.Ppoll(fds, timeout, nil)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, os.NewSyscallError("ppoll", err)
		case n > 0 || timeout != nil && !time.Now().Before(deadline):
			return n, nil
		}
	}
}

// Now is [Until] without waiting.
func Now(fds []unix.PollFd) (ready int, err error) { return Until(fds, time.Unix(0, 0)) }
