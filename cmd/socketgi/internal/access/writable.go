package access

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
)

// WritableByOthers returns the first file, directory or link of a path that a user other than root can
// change, "" for none. If there is none, the path can be used safely afterwards. A missing file is not
// writable.
func WritableByOthers(path string) string {
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
		case canWrite(info) && !(len(left) > 0 && isSticky(info)):
			return at
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(at)
			if links++; links > 40 || err != nil { // the maximum of the kernel (path_resolution(7))
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
		at, left = filepath.Join(at, left[0]), left[1:] // .. is the parent directory, because no link is left before it
	}
}

// canWrite reports whether a user other than root can change a file.
func canWrite(info fs.FileInfo) bool {
	st := info.Sys().(*syscall.Stat_t)
	switch {
	case st.Uid != 0:
		return true
	case info.Mode()&fs.ModeSymlink != 0:
		return false
	}
	return info.Mode()&0o002 != 0 || info.Mode()&0o020 != 0 && st.Gid != 0
}

// isSticky reports whether it is a sticky directory of root, such as /tmp: other users can't replace
// entries of root in it.
func isSticky(info fs.FileInfo) bool {
	return info.IsDir() && info.Mode()&fs.ModeSticky != 0 && info.Sys().(*syscall.Stat_t).Uid == 0
}

// Owner is the user and the group, by number, that may change files besides root; "" for none.
type Owner struct{ UID, GID string }

// canBeReplaced reports whether another user can replace the file at a path. A missing file counts as root's.
func (o Owner) canBeReplaced(path string) bool {
	info, err := os.Lstat(filepath.Dir(path))
	if err != nil {
		return false
	}
	trusted := func(info fs.FileInfo) bool {
		uid := info.Sys().(*syscall.Stat_t).Uid
		return uid == 0 || strconv.Itoa(int(uid)) == o.UID
	}
	gid := info.Sys().(*syscall.Stat_t).Gid
	switch {
	case !trusted(info):
		return true
	case info.Mode()&0o002 == 0 && (info.Mode()&0o020 == 0 || gid == 0 || strconv.Itoa(int(gid)) == o.GID):
		return false
	case info.Mode()&fs.ModeSticky == 0:
		return true
	}
	entry, err := os.Lstat(path) // which only its owner can replace
	return err == nil && !trusted(entry)
}

// RootMayWrite returns an error if root must not change the system in a directory: a user that can replace
// a directory above its units could redirect writes to this machine's units. The user of sudo(8) is
// trusted.
func RootMayWrite(root string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	by := Owner{os.Getenv("SUDO_UID"), os.Getenv("SUDO_GID")}
	names, err := rootfs.Names("", root)
	for _, path := range []string{"/etc/systemd/system/sockets.target.wants/x", "/var/cache/socketgi/x", "/etc/passwd"} {
		more, moreErr := rootfs.Names(root, path)
		names, err = append(names, more...), errors.Join(err, moreErr)
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if by.canBeReplaced(name) {
			return fmt.Errorf("refusing to change as root a system that other users can change: other users can write the directory of %s. "+
				"Give it to root (chown root: %s; chmod go-w %[2]s), or run this as its owner", name, filepath.Dir(name))
		}
	}
	return nil
}

// Pinned reports whether only root can redirect a path of the system in root.
func Pinned(root, path string) bool {
	names, err := rootfs.Names(root, path)
	return err == nil && !slices.ContainsFunc(names, Owner{}.canBeReplaced)
}
