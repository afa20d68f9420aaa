package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// rootMayRun tells why root is not to run an application: somebody else could have put
// anything into it.
func rootMayRun(app *application) error {
	if os.Geteuid() != 0 {
		return nil
	}
	paths := append([]string{app.dir}, app.files...)
	for _, path := range append(paths, app.folders...) {
		if path == "" {
			continue
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if where := writableByOthers(path); where != "" {
			return notRoots(where)
		}
	}
	for _, tree := range app.trees {
		err := filepath.WalkDir(tree, func(path string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if where := writableByOthers(path); where != "" {
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

// notRoots says whose it is, and how they run it.
func notRoots(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	if st.Uid == 0 {
		return fmt.Errorf("root is not to run what somebody else can write: %s has mode %04o and group %d: "+
			"chmod go-w it, or run this as somebody else (runuser -u USER -- socketgi dev ...)", path, info.Mode().Perm(), st.Gid)
	}
	owner := strconv.Itoa(int(st.Uid))
	mend := fmt.Sprintf("setpriv --reuid=%s --regid=%d --clear-groups socketgi dev ...", owner, st.Gid)
	if u, err := user.LookupId(owner); err == nil {
		owner, mend = u.Username, "runuser -u "+u.Username+" -- socketgi dev ..."
	}
	return fmt.Errorf("root is not to run what somebody else can write: %s belongs to %s: %s", path, owner, mend)
}

// writableByOthers returns the first file, folder or link on the way to path that somebody
// else than root can change, "" where there is none. What it has looked at stays as it is
// then, so the path can be used afterwards. What isn't there is nobody's.
func writableByOthers(path string) string {
	left := strings.Split(path, "/")
	at := "/"
	for links := 0; ; {
		for len(left) > 0 && (left[0] == "" || left[0] == ".") {
			left = left[1:]
		}
		info, err := os.Lstat(at)
		switch {
		case err != nil:
			return ""
		case canWrite(info, len(left) > 0):
			return at
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(at)
			if links++; links > 40 || err != nil { // as many as the kernel follows (path_resolution(7))
				return at
			}
			left = append(strings.Split(target, "/"), left...)
			if at = filepath.Dir(at); filepath.IsAbs(target) {
				at = "/"
			}
			continue
		case len(left) == 0:
			return ""
		}
		at, left = filepath.Join(at, left[0]), left[1:] // .. is the parent of what is no link any more
	}
}

// canWrite tells whether anybody but root can change a file. In a folder with the sticky
// bit, like /tmp, nobody can replace what is root's: it is good for passing through.
func canWrite(info fs.FileInfo, passing bool) bool {
	st := info.Sys().(*syscall.Stat_t)
	switch {
	case st.Uid != 0:
		return true
	case info.Mode()&fs.ModeSymlink != 0, passing && info.IsDir() && info.Mode()&fs.ModeSticky != 0:
		return false
	}
	return info.Mode()&0o002 != 0 || info.Mode()&0o020 != 0 && st.Gid != 0
}

// owner is a user and a group, by number, who may change files besides root; "" for none.
type owner struct{ uid, gid string }

// canBeReplaced tells whether somebody else can put something in the place of what has this path.
// What is not there is looked at as if it were root's.
func (o owner) canBeReplaced(path string) bool {
	info, err := os.Lstat(filepath.Dir(path))
	if err != nil {
		return false
	}
	trusted := func(info fs.FileInfo) bool {
		uid := info.Sys().(*syscall.Stat_t).Uid
		return uid == 0 || strconv.Itoa(int(uid)) == o.uid
	}
	gid := info.Sys().(*syscall.Stat_t).Gid
	switch {
	case !trusted(info):
		return true
	case info.Mode()&0o002 == 0 && (info.Mode()&0o020 == 0 || gid == 0 || strconv.Itoa(int(gid)) == o.gid):
		return false
	case info.Mode()&fs.ModeSticky == 0:
		return true
	}
	entry, err := os.Lstat(path) // which only its owner can replace
	return err == nil && !trusted(entry)
}
