package dev

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
)

// RootMayRun returns an error if root must not run an application of these files, directories and trees,
// since other users can change them.
func RootMayRun(paths, trees []string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if where := access.WritableByOthers(path); where != "" {
			return notRoots(where)
		}
	}
	for _, tree := range trees {
		err := filepath.WalkDir(tree, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if where := access.WritableByOthers(path); where != "" {
				return notRoots(where)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// notRoots is the error for a file that other users can write, with the command for its owner.
func notRoots(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	if st.Uid == 0 {
		return fmt.Errorf("refusing to run as root what other users can write: %s has mode %04o and group %d: "+
			"chmod go-w it, or run this as another user (runuser -u USER -- socketgi dev ...)", path, info.Mode().Perm(), st.Gid)
	}
	owner := strconv.Itoa(int(st.Uid))
	mend := fmt.Sprintf("setpriv --reuid=%s --regid=%d --clear-groups socketgi dev ...", owner, st.Gid)
	if u, ok := account.FindUser("", owner); ok {
		owner, mend = u.Name, "runuser -u "+u.Name+" -- socketgi dev ..."
	}
	return fmt.Errorf("refusing to run as root what other users can write: %s belongs to %s: %s", path, owner, mend)
}
