// Package tree removes directories that other users may be writing to.
package tree

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// RemoveRuntime removes a preserved runtime directory. The one of a dynamic user is a symbolic link into /run/private.
func RemoveRuntime(path string) error {
	private := filepath.Join(filepath.Dir(path), "private", filepath.Base(path))
	return errors.Join(Remove(path), Remove(private))
}

// mostRemoving limits the time for emptying a directory that is being written to.
const mostRemoving = time.Minute

// Remove removes a directory of an application's user and its contents. Unlike [os.RemoveAll] it has at most three files
// open, independent of the depth, and its errors are short.
func Remove(path string) error {
	if err := os.Remove(path); err == nil || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	top, err := os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer top.Close()
	for began, moved := time.Now(), 0; ; {
		if err := empty(top, &moved); err != nil {
			return fmt.Errorf("removing what is in %s: %w", path, err)
		}
		err := os.Remove(path)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if !errors.Is(err, unix.ENOTEMPTY) || time.Since(began) > mostRemoving {
			return err
		}
	}
}

// empty removes the contents of a directory. Nested directories are moved up into it, and removed by the next call.
func empty(top *os.File, moved *int) error {
	return each(top, func(name string) error {
		if gone(int(top.Fd()), name) {
			return nil
		}
		fd, err := unix.Openat(int(top.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) { // it has been changed
			return nil
		}
		if err != nil {
			return err
		}
		dir := os.NewFile(uintptr(fd), name)
		defer dir.Close()
		err = each(dir, func(inner string) error {
			if gone(fd, inner) {
				return nil
			}
			*moved++
			err := unix.Renameat(fd, inner, int(top.Fd()), ".socketgi-"+strconv.Itoa(*moved))
			if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
				return nil
			}
			return err
		})
		gone(int(top.Fd()), name)
		return err
	})
}

// gone removes a file or an empty directory, and reports whether it doesn't exist any more.
func gone(dir int, name string) bool {
	err := unix.Unlinkat(dir, name, 0)
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.EPERM) {
		err = unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
	}
	return err == nil || errors.Is(err, unix.ENOENT)
}

// each calls do for the entries of a directory.
func each(dir *os.File, do func(name string) error) error {
	if _, err := dir.Seek(0, io.SeekStart); err != nil {
		return err
	}
	for {
		names, err := dir.Readdirnames(1000)
		for _, name := range names {
			if err := do(name); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
