package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// errBusy says that no slot became free in time.
var errBusy = errors.New("no slot became free in time")

// takeSlot waits until fewer than n processes hold a slot in dir, and holds one
// until this process ends: slots are locks on bytes of a file, which the kernel
// drops by itself (fcntl(2), open file description locks), so none is ever lost.
//
// Byte 0 is the queue: who waits holds it or waits for it. The kernel hands it
// on in the order of asking, so requests are served in the order of arrival, and
// only the first in the queue ever asks again.
func takeSlot(dir string, n int, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	path := filepath.Join(dir, "slots")
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	if err := waitForTurn(fd, deadline); err != nil {
		return err
	}
	defer lock(fd, unix.F_OFD_SETLK, unix.F_UNLCK, 0)
	for pause := time.Millisecond; ; pause = min(2*pause, 8*time.Millisecond) {
		for i := range n {
			if lock(fd, unix.F_OFD_SETLK, unix.F_WRLCK, int64(i)+1) == nil {
				return nil
			}
		}
		if time.Now().After(deadline) {
			return errBusy
		}
		time.Sleep(pause)
	}
}

// waitForTurn takes the queue's byte, and gives up at the deadline. The waiting
// itself goes on then, in a thread that ends with this process: there is nothing
// else left to do in it.
func waitForTurn(fd int, deadline time.Time) error {
	if lock(fd, unix.F_OFD_SETLK, unix.F_WRLCK, 0) == nil {
		return nil
	}
	got := make(chan error, 1)
	go func() { got <- lock(fd, unix.F_OFD_SETLKW, unix.F_WRLCK, 0) }()
	select {
	case err := <-got:
		return err
	case <-time.After(time.Until(deadline)):
		return errBusy
	}
}

func lock(fd, cmd int, kind int16, offset int64) error {
	for {
		err := unix.FcntlFlock(uintptr(fd), cmd, &unix.Flock_t{Type: kind, Whence: io.SeekStart, Start: offset, Len: 1})
		if err != unix.EINTR {
			return os.NewSyscallError("fcntl", err)
		}
	}
}
