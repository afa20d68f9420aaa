package main

import (
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
