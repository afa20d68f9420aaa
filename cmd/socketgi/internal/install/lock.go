package install

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockName is the file that is locked, in the directory of the units. Only its owner can
// open it: any user who could open it could keep all others out by locking it.
const lockName = ".socketgi.lock"

// lock keeps others from adding and removing at the same time, until it is closed.
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
		// The holder before may have removed the file after it was opened here.
		own, err := f.Stat()
		if there, statErr := os.Lstat(path); err == nil && statErr == nil && os.SameFile(own, there) {
			return locked{f}, nil
		}
		f.Close()
	}
}

// locked is a lock that is held. No file stays when it is closed.
type locked struct{ *os.File }

func (l locked) Close() error { return errors.Join(os.Remove(l.Name()), l.File.Close()) }
