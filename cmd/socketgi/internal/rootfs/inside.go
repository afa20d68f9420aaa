// Package rootfs resolves paths of another system in a directory (--root), by that system's links.
package rootfs

import (
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mostLinks is the maximum number of symbolic links in a path, as in the kernel (path_resolution(7)).
const mostLinks = 40

// Inside returns the path on this machine of a file of the system in root. Links are resolved as after
// chroot(2), with root as /: an absolute one doesn't lead out of it. A missing file can be created at the
// result, which contains no link. With root "", the result is path.
func Inside(root, path string) (string, error) {
	if root == "" {
		return path, nil
	}
	return inside(root, path, func(string) {})
}

// Names returns the names that resolving a path looks up, as paths on this machine, with links resolved as by
// Inside. A user who can replace one of them can redirect the path at any moment.
func Names(root, path string) (names []string, err error) {
	_, err = inside(root, path, func(name string) { names = append(names, name) })
	return names, err
}

// inside is Inside, and calls through for each name on the way.
func inside(root, path string, through func(name string)) (string, error) {
	done, links := "", 0 // done contains no links, and begins with a slash
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
		if err != nil { // no link, or missing
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

// InsideDir is [Inside] without resolving a link at the end of the path.
func InsideDir(root, path string) (string, error) {
	dir, err := Inside(root, filepath.Dir(path))
	return filepath.Join(dir, filepath.Base(path)), err
}
