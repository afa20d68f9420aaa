package gateway

import (
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Slots returns the queue of all processes that serve single connections of one unit: n
// slots, which are locks on a file in dir.
func Slots(dir string, n int) Queue { return slots{dir, n} }

type slots struct {
	dir string
	n   int
}

func (q slots) take(timeout time.Duration) (func(), error) {
	s, err := takeSlot(q.dir, q.n, timeout)
	if err != nil && err != ErrQueueTimeout {
		err = &SlotsError{err}
	}
	return sync.OnceFunc(s.release), err
}

// SlotsError is why there are no [Slots].
type SlotsError struct {
	// Err is an error of a system call.
	Err error
}

// Error is that of Err.
func (e *SlotsError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *SlotsError) Unwrap() error { return e.Err }

// Slots and places in the queue are locks on single bytes of a file, which the
// kernel drops when their process ends, however it ends (fcntl(2), open file
// description locks). The file itself holds the number of the next ticket.
const (
	guardByte   = 0 // held for the moment in which a ticket is drawn
	firstSlot   = 1
	firstTicket = 1 << 32
)

// slot is the file of slots: the locks are held as long as it is open.
type slot int

// noSlot is held where there is no limit.
const noSlot slot = -1

// takeSlot waits until fewer than n processes hold a slot in dir, and takes one.
// Requests are served in the order of arrival.
func takeSlot(dir string, n int, timeout time.Duration) (slot, error) {
	path := filepath.Join(dir, "slots")
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return noSlot, &os.PathError{Op: "open", Path: path, Err: err}
	}
	s := slot(fd)
	deadline := time.Now().Add(timeout)
	ticket, err := s.draw()
	if err != nil {
		return noSlot, err
	}
	defer s.unlock(firstTicket + ticket)
	if err := s.waitForTurn(ticket, deadline); err != nil {
		return noSlot, err
	}
	// Only the first in the queue asks again and again.
	for ; ; time.Sleep(time.Millisecond) {
		for i := range int64(n) {
			if s.lock(firstSlot+i, unix.F_OFD_SETLK) == nil {
				return s, nil
			}
		}
		if time.Now().After(deadline) {
			return noSlot, ErrQueueTimeout
		}
	}
}

// release makes the place free for the next in the queue.
func (s slot) release() {
	if s != noSlot {
		unix.Close(int(s))
	}
}

// draw takes the next ticket: the place behind everybody who is waiting.
func (s slot) draw() (ticket int64, err error) {
	if err := s.lock(guardByte, unix.F_OFD_SETLKW); err != nil {
		return 0, err
	}
	defer s.unlock(guardByte)
	var b [8]byte
	if _, err := unix.Pread(int(s), b[:], 0); err != nil {
		return 0, os.NewSyscallError("pread", err)
	}
	ticket = int64(binary.LittleEndian.Uint64(b[:]) & (1<<40 - 1))
	binary.LittleEndian.PutUint64(b[:], uint64(ticket)+1)
	if _, err := unix.Pwrite(int(s), b[:], 0); err != nil {
		return 0, os.NewSyscallError("pwrite", err)
	}
	return ticket, s.lock(firstTicket+ticket, unix.F_OFD_SETLK)
}

// waitForTurn waits until nobody with an earlier ticket is left. At the deadline
// the waiting itself goes on, in a thread that ends with this process: there is
// nothing else left to do in it.
func (s slot) waitForTurn(ticket int64, deadline time.Time) error {
	if s.first(ticket) {
		return nil
	}
	turn := make(chan error, 1)
	go func() {
		// Each waits for the one before it only, so a place that becomes free wakes
		// one process and not all. Whoever gave up or was killed is passed over.
		for before := ticket - 1; before >= 0 && !s.first(ticket); before-- {
			if err := s.lock(firstTicket+before, unix.F_OFD_SETLKW); err != nil {
				turn <- err
				return
			}
			s.unlock(firstTicket + before)
		}
		turn <- nil
	}()
	select {
	case err := <-turn:
		return err
	case <-time.After(time.Until(deadline)):
		return ErrQueueTimeout
	}
}

// first tells whether nobody waits with an earlier ticket.
func (s slot) first(ticket int64) bool {
	if ticket == 0 {
		return true
	}
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: firstTicket, Len: ticket}
	return unix.FcntlFlock(uintptr(s), unix.F_OFD_GETLK, &l) == nil && l.Type == unix.F_UNLCK
}

func (s slot) lock(offset int64, cmd int) error {
	for {
		err := unix.FcntlFlock(uintptr(s), cmd, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: offset, Len: 1})
		if err != unix.EINTR {
			return os.NewSyscallError("fcntl", err)
		}
	}
}

func (s slot) unlock(offset int64) {
	_ = unix.FcntlFlock(uintptr(s), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK, Whence: io.SeekStart, Start: offset, Len: 1})
}
