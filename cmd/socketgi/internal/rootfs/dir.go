package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Dir is a directory with the files of another system (--root), "" for this one.
// Absolute paths mean files of that system, relative ones have to lie in it.
type Dir string

// Outside returns where a file of that system is seen from here.
func (r Dir) Outside(path string) (string, error) {
	if r != "" && filepath.IsAbs(path) {
		return filepath.Join(string(r), path), nil
	}
	return filepath.Abs(path)
}

// Real returns where a file really is that Outside has named: links are followed as in
// that system.
func (r Dir) Real(path string) (string, error) {
	if r == "" {
		return path, nil
	}
	inside, err := r.Inside(path)
	if err != nil {
		return "", err
	}
	return Inside(string(r), inside)
}

// Inside returns what a file is called in that system.
func (r Dir) Inside(path string) (string, error) {
	if r == "" {
		return path, nil
	}
	rest, ok := strings.CutPrefix(path, strings.TrimRight(string(r), "/")+"/")
	if !ok {
		return "", fmt.Errorf("%s is not below %s: use an absolute path of that system", path, string(r))
	}
	return "/" + rest, nil
}

// Existing returns those of its files that have to be shown to a sandbox. What links
// are in another system is not followed.
func (r Dir) Existing(paths ...string) (found []string) {
	if r == "" {
		return existing(paths...)
	}
	for _, path := range paths {
		real, err := Inside(string(r), path)
		if err != nil || !filepath.IsAbs(path) {
			continue
		}
		if _, err := os.Stat(real); err == nil {
			found = append(found, path)
		}
	}
	return found
}

// existing returns those of the paths that are there and absolute, each with what it
// is a symbolic link to, step by step: a sandbox that shows a link shows nothing yet.
func existing(paths ...string) (found []string) {
	for _, path := range paths {
		for range 40 { // as many as the kernel follows (path_resolution(7))
			if !filepath.IsAbs(path) {
				break
			}
			if _, err := os.Stat(path); err != nil {
				break
			}
			found = append(found, path)
			target, err := os.Readlink(path)
			if err != nil {
				break
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(path), target)
			}
			path = target
		}
	}
	return found
}
