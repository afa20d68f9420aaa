package main

import (
	"os"
	"path/filepath"
)

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
