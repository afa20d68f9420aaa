package main

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// errBusy says that no slot became free in time.
var errBusy = errors.New("no slot became free in time")

// takeSlot waits until fewer than n processes hold a slot in dir, and holds one
// until the returned descriptor is closed or this process ends: slots are locks
// that the kernel drops by itself (flock(2)), so none is ever lost.
//
// Who waits holds the queue's lock or waits for it. The kernel hands that on in
// the order of asking, so requests are served in the order of arrival, and only
// the first in the queue ever asks again.
func takeSlot(dir string, n int, timeout time.Duration) (int, error) {
	deadline := time.Now().Add(timeout)
	queue, err := openLock(filepath.Join(dir, "queue"))
	if err != nil {
		return -1, err
	}
	defer unix.Close(queue)
	if err := lockUntil(queue, deadline); err != nil {
		return -1, err
	}
	slots := make([]int, n)
	for i := range slots {
		if slots[i], err = openLock(filepath.Join(dir, "slot."+strconv.Itoa(i))); err != nil {
			return -1, err
		}
	}
	for pause := time.Millisecond; ; pause = min(2*pause, 8*time.Millisecond) {
		for i, fd := range slots {
			if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
				for j, other := range slots {
					if j != i {
						unix.Close(other)
					}
				}
				return fd, nil
			}
		}
		if time.Now().After(deadline) {
			return -1, errBusy
		}
		time.Sleep(pause)
	}
}

func openLock(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// lockUntil gives up at the deadline. The waiting itself goes on then, in a
// thread that ends with this process: there is nothing else left to do in it.
func lockUntil(fd int, deadline time.Time) error {
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
		return nil
	}
	got := make(chan error, 1)
	go func() {
		for {
			if err := unix.Flock(fd, unix.LOCK_EX); err != unix.EINTR {
				got <- err
				return
			}
		}
	}()
	select {
	case err := <-got:
		return err
	case <-time.After(time.Until(deadline)):
		return errBusy
	}
}
