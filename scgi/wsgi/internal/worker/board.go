package worker

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Board is memory that workers share with this process. Each has a place on it where it
// says what it is doing (runtime/job.py), which can be read when it has died.
type Board struct {
	fd  int
	mem []byte

	mu   sync.Mutex
	free []int
}

// boardBytes is the size of the board: eight for each worker.
const boardBytes = 64 << 10

// NewBoard returns a board for 8,192 workers.
func NewBoard() (*Board, error) {
	fd, err := unix.MemfdCreate("socketgi-board", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	b := &Board{fd: fd, free: make([]int, 0, boardBytes/8)}
	if err := unix.Ftruncate(fd, boardBytes); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("ftruncate", err)
	}
	// A worker that makes it smaller would end this process when it looks (SIGBUS, mmap(2)).
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("fcntl F_ADD_SEALS", err)
	}
	if b.mem, err = unix.Mmap(fd, 0, boardBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("mmap", err)
	}
	for i := cap(b.free) - 1; i >= 0; i-- {
		b.free = append(b.free, i)
	}
	return b, nil
}

// errNoPlace is what happens when as many workers are there as a board has places.
var errNoPlace = errors.New("there are too many workers")

// take takes a place, which is empty.
func (b *Board) take() (place int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.free) - 1
	if n < 0 {
		return 0, errNoPlace
	}
	place = b.free[n]
	b.free = b.free[:n]
	atomic.StoreUint64(b.word(place), 0)
	return place, nil
}

// give gives back the place of a worker that has ended.
func (b *Board) give(place int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free = append(b.free, place)
}

// read returns how many jobs the worker of a place has begun, and the status of the
// response to the last one, 0 before its head goes out. Workers can write anything there.
func (b *Board) read(place int) (begun int64, status int) {
	w := atomic.LoadUint64(b.word(place))
	return int64(w >> 16), statusCode(int64(w & 0xffff))
}

func (b *Board) word(place int) *uint64 {
	return (*uint64)(unsafe.Pointer(&b.mem[8*place]))
}
