package gateway

import (
	"encoding/binary"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Slots is the queue shared by all processes that serve single connections of one unit. Slots and places
// in the queue are locks on bytes of a file, which the kernel drops when their process ends (fcntl(2),
// open file description locks). The file contains the number of the next ticket; its first byte is
// locked while a ticket is drawn.
type Slots struct {
	// Path is the file, which is created if it is missing.
	Path string
	// FirstSlot is the byte of the first of N slots, at least 1.
	FirstSlot int64
	// FirstTicket is the byte of the first of 2^40 places in the queue, behind the slots.
	FirstTicket int64
	// N is how many slots there are.
	N int
}

func (q Slots) take(timeout time.Duration) (func(), error) {
	release, err := q.takeSlot(timeout)
	if err != nil && err != ErrQueueTimeout {
		err = &SlotsError{err}
	}
	return release, err
}

// SlotsError is an error of the file of [Slots].
type SlotsError struct {
	// Err is an error of a system call.
	Err error
}

// Error is that of Err.
func (e *SlotsError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *SlotsError) Unwrap() error { return e.Err }

// slotFile is the file of slots: the locks are held as long as it is open.
type slotFile struct {
	Slots
	fd int
}

// guardByte is locked while a ticket is drawn.
const guardByte = 0

// takeSlot waits until fewer than N processes hold a slot, and takes one. Requests are served
// in the order of arrival.
func (q Slots) takeSlot(timeout time.Duration) (release func(), err error) {
	fd, err := q.open()
	if err == unix.EACCES && q.dropForeign() {
		fd, err = q.open()
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: q.Path, Err: err}
	}
	s := slotFile{q, fd}
	deadline := time.Now().Add(timeout)
	ticket, err := s.draw()
	if err != nil {
		return nil, err
	}
	defer s.unlock(s.FirstTicket + ticket)
	if err := s.waitForTurn(ticket, deadline); err != nil {
		return nil, err
	}
	// Only the first in the queue polls.
	for ; ; time.Sleep(time.Millisecond) {
		for i := range int64(q.N) {
			if s.lock(q.FirstSlot+i, unix.F_OFD_SETLK) == nil {
				return sync.OnceFunc(func() { unix.Close(fd) }), nil
			}
		}
		if time.Now().After(deadline) {
			return nil, ErrQueueTimeout
		}
	}
}

func (q Slots) open() (fd int, err error) {
	return unix.Open(q.Path, unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
}

// dropForeign removes a file of another user, left in the preserved directory after User= was changed.
// Running processes of that user keep their own count.
func (q Slots) dropForeign() bool {
	var st unix.Stat_t
	return unix.Lstat(q.Path, &st) == nil && st.Uid != uint32(os.Geteuid()) && unix.Unlink(q.Path) == nil
}

// draw draws the next ticket: the last place in the queue.
func (s slotFile) draw() (ticket int64, err error) {
	if err := s.lock(guardByte, unix.F_OFD_SETLKW); err != nil {
		return 0, err
	}
	defer s.unlock(guardByte)
	var b [8]byte
	if _, err := unix.Pread(s.fd, b[:], 0); err != nil {
		return 0, os.NewSyscallError("pread", err)
	}
	ticket = int64(binary.LittleEndian.Uint64(b[:]) & (1<<40 - 1))
	binary.LittleEndian.PutUint64(b[:], uint64(ticket)+1)
	if _, err := unix.Pwrite(s.fd, b[:], 0); err != nil {
		return 0, os.NewSyscallError("pwrite", err)
	}
	return ticket, s.lock(s.FirstTicket+ticket, unix.F_OFD_SETLK)
}

// waitForTurn waits until no earlier ticket is left. After the deadline a thread keeps waiting until this
// process ends.
func (s slotFile) waitForTurn(ticket int64, deadline time.Time) error {
	if s.first(ticket) {
		return nil
	}
	turn := make(chan error, 1)
	go func() {
		// Each waits for the one before it only, so a place that becomes free wakes
		// one process and not all. A process that gave up or was killed is passed over.
		for before := ticket - 1; before >= 0 && !s.first(ticket); before-- {
			if err := s.lock(s.FirstTicket+before, unix.F_OFD_SETLKW); err != nil {
				turn <- err
				return
			}
			s.unlock(s.FirstTicket + before)
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

// first reports whether no earlier ticket waits.
func (s slotFile) first(ticket int64) bool {
	if ticket == 0 {
		return true
	}
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: s.FirstTicket, Len: ticket}
	return unix.FcntlFlock(uintptr(s.fd), unix.F_OFD_GETLK, &l) == nil && l.Type == unix.F_UNLCK
}

func (s slotFile) lock(offset int64, cmd int) error {
	for {
		err := unix.FcntlFlock(uintptr(s.fd), cmd, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: offset, Len: 1})
		if err != unix.EINTR {
			return os.NewSyscallError("fcntl", err)
		}
	}
}

func (s slotFile) unlock(offset int64) {
	_ = unix.FcntlFlock(uintptr(s.fd), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_UNLCK, Whence: io.SeekStart, Start: offset, Len: 1})
}
