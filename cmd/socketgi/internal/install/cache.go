package install

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/socketgi/socketgi/scgi/wsgi"
	"golang.org/x/sys/unix"
)

// The cache of a large application has two files of 20 MB.
const (
	mostFiles = 8
	mostBytes = 256 << 20
)

// copyCode copies cached code, which the application's user has written, to a new directory of root. The contents
// are never read: only that user executes them.
func copyCode(from, to string, group int) error {
	source, err := os.Open(from) // systemd has chosen this name
	if err != nil {
		return err
	}
	defer source.Close()
	info, err := source.Stat()
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	names, err := source.Readdirnames(mostFiles + 1)
	if err != nil && err != io.EOF {
		return err
	}
	if len(names) > mostFiles {
		return fmt.Errorf("%s has unexpected files", from)
	}
	mode := os.FileMode(0o755)
	if group >= 0 {
		// Other users may not be allowed to read the application's source.
		mode = 0o750
	}
	if err := os.Mkdir(to, mode); err != nil {
		return err
	}
	if err := errors.Join(os.Chown(to, 0, max(group, 0)), os.Chmod(to, mode)); err != nil {
		return err
	}
	left := int64(mostBytes)
	for _, name := range names {
		if !wsgi.IsCacheFile(name) {
			continue
		}
		n, err := copyFile(int(source.Fd()), name, filepath.Join(to, name), owner, left)
		if err != nil {
			return err
		}
		left -= n
	}
	return syncDir(to)
}

// copyFile copies a regular file of that owner without other hard links.
func copyFile(dir int, name, to string, owner uint32, most int64) (int64, error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, &os.PathError{Op: "open", Path: name, Err: err}
	}
	source := os.NewFile(uintptr(fd), name)
	defer source.Close()
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink != 1 || st.Uid != owner {
		return 0, fmt.Errorf("the cached code %s is not a file of the application's user", name)
	}
	tooLarge := fmt.Errorf("the cached code is larger than %d MiB", mostBytes>>20)
	if st.Size > most {
		return 0, tooLarge
	}
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(target, io.LimitReader(source, most+1))
	if err == nil && n > most { // it has grown since
		err = tooLarge
	}
	return n, errors.Join(err, target.Chmod(0o644), target.Sync(), target.Close())
}

// keptCode is the directory of the previous code while it is being replaced. Names of applications have no @, so
// that it is no application's directory.
func keptCode(staged string) string { return staged + "@old" }

// putCode replaces the directory of cached code.
func putCode(staged, path string) (undo, keep func() error, err error) {
	old := keptCode(staged)
	err = os.Rename(path, old)
	had := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	undo = func() error {
		err := os.RemoveAll(path)
		if had {
			err = errors.Join(err, os.Rename(old, path))
		}
		return err
	}
	if err := os.Rename(staged, path); err != nil {
		if had {
			err = errors.Join(err, os.Rename(old, path))
		}
		return nil, nil, err
	}
	return undo, func() error { return os.RemoveAll(old) }, nil
}

// ours checks that only root can create files in a directory.
func ours(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || st.Uid != 0 || info.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s must be a directory that only root can write: "+
			"chown root:root %[1]s && chmod 755 %[1]s", dir)
	}
	return nil
}
