package host

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"golang.org/x/sys/unix"
)

// Slots are the slots of an application (the adapter's --concurrency).
type Slots struct {
	// Total is the number of slots, InUse that of the used ones, and Waiting that of requests in the
	// queue.
	Total   int `json:"total"`
	InUse   int `json:"in_use"`
	Waiting int `json:"waiting"`
}

// Slots counts the used slots; nil if there are none: without a limit, or if the service accepts connections
// and counts them itself.
func (h Host) Slots(a *Application) (*Slots, error) {
	n := a.Adapter.Concurrency
	path := h.slotsFile(a)
	if n <= 0 || a.Warm || path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if os.IsNotExist(err) {
		return &Slots{Total: n}, nil // there was no request yet
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &Slots{Total: n}
	if s.InUse, err = locks(f, adapter.FirstSlot, int64(n), mostLocks); err != nil {
		return nil, err
	}
	s.Waiting, err = locks(f, adapter.FirstTicket, adapter.Tickets, mostLocks)
	return s, err
}

// slotsFile is the adapter's file of slots, "" if there is none.
func (h Host) slotsFile(a *Application) string {
	dir := a.Adapter.Slots
	if dir == "" {
		// The first of several directories; after a colon there is a symbolic link to it.
		dir, _, _ = strings.Cut(a.Service.Get("Service", "RuntimeDirectory"), " ")
		dir, _, _ = strings.Cut(dir, ":")
		if dir != "" { // DynamicUser= has it in /run/private, and a link to it here
			dir = filepath.Join(h.runtimeDir(), unescape(dir))
		}
	}
	if dir == "" {
		dir = a.Adapter.Cache
	}
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, adapter.SlotsFile)
}

// mostLocks limits the count: finding each lock takes time that grows with their number, and an application can
// create any number. There are at most MaxConnections= requests, 1024.
const mostLocks = 2048

// locks counts the locks of other processes on a range of a file, up to most. The kernel returns any one of them,
// so that the ranges before and after it are queried again.
func locks(f *os.File, start, length int64, most int) (n int, err error) {
	for length > 0 && n < most {
		l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: start, Len: length}
		if err := unix.FcntlFlock(f.Fd(), unix.F_OFD_GETLK, &l); err != nil {
			return 0, os.NewSyscallError("fcntl", err)
		}
		if l.Type == unix.F_UNLCK || l.Len == 0 {
			return n, nil
		}
		before, err := locks(f, start, l.Start-start, most-n-1)
		if err != nil {
			return 0, err
		}
		n += before + 1
		length -= l.Start + l.Len - start
		start = l.Start + l.Len
	}
	return n, nil
}
