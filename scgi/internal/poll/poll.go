// Package poll waits for file descriptors, as poll(2) does, until a point in time.
package poll

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Until waits until something of what fds ask for is there, and returns for how many of them
// that is so, as their Revents tell. It is 0 when the deadline has come, never before it; the
// zero deadline never comes, and one that is past already has it look once. A signal does not
// end the wait. Other errors are those of ppoll(2), as [os.SyscallError].
func Until(fds []unix.PollFd, deadline time.Time) (ready int, err error) {
	for {
		var timeout *unix.Timespec // nil: for ever
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
