package install

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// file is a file to be written.
type file struct {
	path, text string
	gone       bool // it is to be removed
}

// replace writes files, each whole or not at all. Undo brings back what was there; keep
// removes what undo would need.
func replace(files []file) (undo, keep func() error, err error) {
	var back undoFiles
	defer func() {
		if err != nil {
			err = errors.Join(err, back.undo())
		}
	}()
	staged := make([]string, len(files))
	defer func() {
		for _, path := range staged {
			if path != "" {
				_ = os.Remove(path) // what was not put in place
			}
		}
	}()
	for i, f := range files {
		if f.gone {
			continue
		}
		if staged[i], err = stage(f); err != nil {
			return nil, nil, err
		}
	}
	for i, f := range files {
		if err = back.save(f.path); err != nil {
			return nil, nil, err
		}
		if f.gone {
			err = os.Remove(f.path)
		} else if err = os.Rename(staged[i], f.path); err == nil {
			staged[i] = ""
		}
		if err != nil {
			return nil, nil, err
		}
	}
	return back.undo, back.keep, syncDir(filepath.Dir(files[0].path))
}

// stage writes a file under a name that systemd doesn't look at, next to its own.
func stage(f file) (path string, err error) {
	t, err := os.CreateTemp(filepath.Dir(f.path), "."+filepath.Base(f.path)+".new-")
	if err != nil {
		return "", err
	}
	_, err = t.WriteString(f.text)
	err = errors.Join(err, t.Chmod(0o644), t.Sync(), t.Close())
	if err != nil {
		_ = os.Remove(t.Name())
		return "", err
	}
	return t.Name(), nil
}

// undoFiles are files that are to be there again, by the names under which they are kept,
// "" for those that were not there.
type undoFiles []struct{ path, kept string }

// save keeps a file as it is: the same one, by another name.
func (u *undoFiles) save(path string) error {
	kept := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".old")
	_ = os.Remove(kept) // of somebody who was interrupted
	err := os.Link(path, kept)
	if errors.Is(err, fs.ErrNotExist) {
		kept, err = "", nil
	}
	if err == nil {
		*u = append(*u, struct{ path, kept string }{path, kept})
	}
	return err
}

func (u *undoFiles) undo() error {
	var all []error
	for _, f := range *u {
		if f.kept == "" {
			if err := os.Remove(f.path); !errors.Is(err, fs.ErrNotExist) {
				all = append(all, err)
			}
			continue
		}
		// Not rename(2): between two names of one file it does nothing.
		_ = os.Remove(f.path)
		all = append(all, os.Rename(f.kept, f.path))
	}
	*u = nil
	return errors.Join(all...)
}

func (u *undoFiles) keep() error {
	var all []error
	for _, f := range *u {
		if f.kept != "" {
			all = append(all, os.Remove(f.kept))
		}
	}
	*u = nil
	return errors.Join(all...)
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// lockName is the file that is locked, in the directory of the units. Nobody but its owner can
// open it: who could open what is locked - the directory, say - could keep everybody else out.
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
				return nil, errors.New("another socketgi is adding or removing an application: try again when it is done")
			}
			return nil, os.NewSyscallError("flock", err)
		}
		// Whoever had it before may have removed it after it was opened here.
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

// makeDirs makes a directory with those above it, and returns the ones that were missing,
// the outermost first.
func makeDirs(path string) (made []string, err error) {
	for p := path; ; p = filepath.Dir(p) {
		if _, err := os.Stat(p); err == nil || p == filepath.Dir(p) {
			break
		}
		made = append([]string{p}, made...)
	}
	return made, os.MkdirAll(path, 0o755)
}

// removeEmpty removes directories that nothing is in, the last first.
func removeEmpty(dirs []string) {
	for i := len(dirs) - 1; i >= 0; i-- {
		_ = os.Remove(dirs[i])
	}
}
