package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

const adapterName = "socketgi-adapter"

// findAdapter returns the absolute path of the adapter: next to this program,
// where packages put it, or in PATH.
func findAdapter() (string, error) {
	self, err := os.Executable()
	if err == nil {
		if self, err = filepath.EvalSymlinks(self); err == nil {
			dir := filepath.Dir(self)
			for _, path := range []string{
				filepath.Join(dir, adapterName),
				filepath.Join(dir, "../libexec/socketgi", adapterName),
				filepath.Join(dir, "../lib/socketgi", adapterName),
			} {
				if isProgram(path) {
					return path, nil
				}
			}
		}
	}
	if path, err := exec.LookPath(adapterName); err == nil {
		return filepath.Abs(path)
	}
	return "", errors.New(adapterName + " is neither next to this program nor in PATH: install both, " +
		"or say where it is with --adapter")
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
