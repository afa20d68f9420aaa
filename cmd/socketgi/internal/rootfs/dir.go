package rootfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Dir is the directory of another system (--root), "" for this one. Absolute paths are paths in that system;
// relative ones are paths on this machine, below the directory.
type Dir string

// Outside returns the path on this machine of a file in that system.
func (r Dir) Outside(path string) (string, error) {
	if r != "" && filepath.IsAbs(path) {
		return filepath.Join(string(r), path), nil
	}
	return filepath.Abs(path)
}

// Real resolves the links of a path that Outside has returned, as that system resolves them.
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

// Inside returns the path in that system of a file.
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

// Existing returns the existing paths that a sandbox must show. In another system it omits the targets of
// links.
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

// existing returns those of the paths that are absolute and exist, each with the targets of its symbolic
// links, step by step: a sandbox that shows a link doesn't show its target.
func existing(paths ...string) (found []string) {
	for _, path := range paths {
		for range 40 { // the maximum of the kernel (path_resolution(7))
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
