package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrDenied is returned if this user may not read the system's journal.
var ErrDenied = errors.New("permission denied for the system's journal: run it as root, or join a group that may read it " +
	"and log in again: adduser YOU systemd-journal")

// Readable returns why the system's journal can't be read. journalctl itself shows users without access only their
// own entries, without a message.
func Readable() error { return readable("/var/log/journal", "/run/log/journal") }

func readable(dirs ...string) error {
	denied := false
	for _, dir := range dirs {
		machines, err := os.ReadDir(dir)
		denied = denied || errors.Is(err, fs.ErrPermission)
		for _, m := range machines {
			err := unix.Access(filepath.Join(dir, m.Name(), "system.journal"), unix.R_OK)
			if err == nil {
				return nil
			}
			denied = denied || errors.Is(err, fs.ErrPermission)
		}
	}
	if denied {
		return ErrDenied
	}
	return nil // there is no journal
}
