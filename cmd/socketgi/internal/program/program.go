// Package program finds programs to run.
package program

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
)

// Adapter returns the absolute path of the adapter: next to this program,
// where packages put it, or in PATH.
func Adapter() (string, error) {
	self, err := os.Executable()
	if err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			dir := filepath.Dir(self)
			for _, path := range []string{
				filepath.Join(dir, adapter.Program),
				filepath.Join(dir, "../libexec/socketgi", adapter.Program),
				filepath.Join(dir, "../lib/socketgi", adapter.Program),
			} {
				if Is(path) {
					return path, nil
				}
			}
		}
	}
	if path, err := exec.LookPath(adapter.Program); err == nil {
		return filepath.Abs(path)
	}
	return "", errors.New(adapter.Program + " is neither next to this program nor in PATH: install it, " +
		"or use --adapter PATH")
}

// Is reports whether a path is that of a file that can be executed.
func Is(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
