package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
)

// rootDir is a directory with the files of another system (--root), "" for this one.
// Absolute paths mean files of that system, relative ones have to lie in it.
type rootDir string

// outside returns where a file of that system is seen from here.
func (r rootDir) outside(path string) (string, error) {
	if r != "" && filepath.IsAbs(path) {
		return filepath.Join(string(r), path), nil
	}
	return filepath.Abs(path)
}

// real returns where a file really is that outside has named: links are followed as in
// that system.
func (r rootDir) real(path string) (string, error) {
	if r == "" {
		return path, nil
	}
	inside, err := r.inside(path)
	if err != nil {
		return "", err
	}
	return rootfs.Inside(string(r), inside)
}

// inside returns what a file is called in that system.
func (r rootDir) inside(path string) (string, error) {
	if r == "" {
		return path, nil
	}
	rest, ok := strings.CutPrefix(path, strings.TrimRight(string(r), "/")+"/")
	if !ok {
		return "", fmt.Errorf("%s is not below %s: say an absolute path of the system that is in there", path, string(r))
	}
	return "/" + rest, nil
}

// existing returns those of its files that have to be shown to a sandbox. What links
// are in another system is not followed.
func (r rootDir) existing(paths ...string) (found []string) {
	if r == "" {
		return existing(paths...)
	}
	for _, path := range paths {
		real, err := rootfs.Inside(string(r), path)
		if err != nil || !filepath.IsAbs(path) {
			continue
		}
		if _, err := os.Stat(real); err == nil {
			found = append(found, path)
		}
	}
	return found
}

// rootMayWrite tells why root is not to work on the system in a directory: whoever can replace
// something on the way to its units can have them written to those of this machine. It may be of
// the one who has become root by sudo(8).
func rootMayWrite(root string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	by := owner{os.Getenv("SUDO_UID"), os.Getenv("SUDO_GID")}
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
			return fmt.Errorf("root is not to work on a system that somebody else can change: %s is in a folder that others can write. "+
				"Have root own it (chown root: %s; chmod go-w %[2]s), or say this as the user whose it is", name, filepath.Dir(name))
		}
	}
	return nil
}
