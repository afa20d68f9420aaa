package install

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockName is the locked file, in the directory of the units. Only its owner can open it: any other user could
// lock it, and so block all commands.
const lockName = ".socketgi.lock"

// lock excludes other commands that add or remove, until it is closed.
func lock(dir string) (io.Closer, error) {
	path := filepath.Join(dir, lockName)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, err
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			f.Close()
			if err == unix.EWOULDBLOCK {
				return nil, errors.New("another socketgi is adding or removing an application: try again later")
			}
			return nil, os.NewSyscallError("flock", err)
		}
		// The previous holder may have removed the file since it was opened.
		own, err := f.Stat()
		if there, statErr := os.Lstat(path); err == nil && statErr == nil && os.SameFile(own, there) {
			return locked{f}, nil
		}
		f.Close()
	}
}

// locked is a held lock. Closing it removes the file.
type locked struct{ *os.File }

func (l locked) Close() error { return errors.Join(os.Remove(l.Name()), l.File.Close()) }
