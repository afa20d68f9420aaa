// Package rootfs finds files of a system that lies in a directory (--root), with its own links.
package rootfs

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mostLinks is how many symbolic links are followed, as many as the kernel does
// (path_resolution(7)).
const mostLinks = 40

// Inside returns where a file of the system in root is seen from here. Links are followed
// as if root were /, as after chroot(2): an absolute one never leads out of it. What isn't
// there may be made at that path, where no link is left. With root "" it is path itself.
func Inside(root, path string) (string, error) {
	if root == "" {
		return path, nil
	}
	return inside(root, path, func(string) {})
}

// Names lists the names that are looked up on the way to a file, links followed as Inside does,
// by the paths at which they are seen from here. A user who can replace one of them can have the path
// lead elsewhere at any moment.
func Names(root, path string) (names []string, err error) {
	_, err = inside(root, path, func(name string) { names = append(names, name) })
	return names, err
}

// inside does what Inside does, and calls through for each name on the way.
func inside(root, path string, through func(name string)) (string, error) {
	done, links := "", 0 // done has no links, and begins with a slash
	left := strings.Split(path, "/")
	for len(left) > 0 {
		name := left[0]
		left = left[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			done = strings.TrimSuffix(filepath.Dir(done), "/")
			if done == "." {
				done = ""
			}
			continue
		}
		through(root + done + "/" + name)
		target, err := os.Readlink(root + done + "/" + name)
		if err != nil { // no link, or not there
			done += "/" + name
			continue
		}
		if links++; links > mostLinks {
			return "", &os.PathError{Op: "follow links of", Path: filepath.Join(root, path), Err: unix.ELOOP}
		}
		if filepath.IsAbs(target) {
			done = ""
		}
		left = append(strings.Split(target, "/"), left...)
	}
	return filepath.Join(root, done), nil
}

// InsideDir is [Inside] for a file that may itself be a link, which is not followed.
func InsideDir(root, path string) (string, error) {
	dir, err := Inside(root, filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}
