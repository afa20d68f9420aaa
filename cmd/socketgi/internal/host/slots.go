package host

import (
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"golang.org/x/sys/unix"
)

// Slots are the places of requests that run at once (the adapter's --concurrency).
type Slots struct {
	// Total is how many there are, InUse how many are taken, and Waiting how many
	// requests have none yet.
	Total   int `json:"total"`
	InUse   int `json:"in_use"`
	Waiting int `json:"waiting"`
}

// Slots counts the slots that are in use; nil when the application has none: where it
// has no limit, or accepts by itself and so counts by itself.
func (h Host) Slots(a *Application) (*Slots, error) {
	n := a.Adapter.Concurrency
	path := h.slotsFile(a)
	if n <= 0 || a.Warm || path == "" {
		return nil, nil
	}
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if os.IsNotExist(err) {
		return &Slots{Total: n}, nil // nobody has asked yet
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

// slotsFile is where the adapter of an application keeps its slots, "" if it has no
// place for them.
func (h Host) slotsFile(a *Application) string {
	dir := a.Adapter.Slots
	if dir == "" {
		// The first of several directories; what follows a colon is a link to it.
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

// mostLocks is how many are counted: each is looked for among all that there are, and the
// application can make as many as it likes. There are no more requests than MaxConnections=, 1024.
const mostLocks = 2048

// locks counts the locks that others hold on a range of a file, up to most. The kernel names one
// of them, whichever, so what is before and behind it is asked for again.
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
