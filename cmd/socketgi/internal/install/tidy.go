package install

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/trial"
	"github.com/socketgi/socketgi/units"
)

// A command that is killed takes nothing back. The next one for the same application tidies up: it
// has the lock, so nobody is using the files.

// tidyFiles tidies units and cached code that were being replaced or removed. Those that were
// gone already are there again, so that the next command finds all of the application.
func tidyFiles(h host.Host, dir, name string) error {
	var all []error
	for _, unit := range []string{name + ".socket", name + "@.service", name + ".service", units.SliceName(name)} {
		all = append(all, takeBack(filepath.Join(dir, "."+unit+".old"), filepath.Join(dir, unit)),
			removeAll(dir, func(file string) bool {
				digits, ok := strings.CutPrefix(file, "."+unit+".new-") // another application may be called so
				return ok && strings.Trim(digits, "0123456789") == ""
			}))
	}
	if !h.User {
		code, err := rootfs.InsideDir(h.Root, appunits.CachePath(name))
		if err != nil {
			return err
		}
		staged := filepath.Join(filepath.Dir(code), "."+name)
		all = append(all, takeBack(keptCode(staged), code), os.RemoveAll(staged))
	}
	return errors.Join(all...)
}

// takeBack gives what was kept its name again, if nothing else has it now.
func takeBack(kept, path string) error {
	if _, err := os.Lstat(kept); err != nil {
		return nil
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(kept, path)
	}
	return os.RemoveAll(kept)
}

// removeAll removes all in a directory that have such a name.
func removeAll(dir string, which func(name string) bool) error {
	var all []error
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if which(e.Name()) {
			all = append(all, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return errors.Join(all...)
}

// tidyTrials ends trials of the application that nobody waits for.
func tidyTrials(ctx context.Context, m *manager.Manager, h host.Host, name string) error {
	runtime, err := h.RuntimeDir()
	if err != nil {
		return err
	}
	return errors.Join(removeAll(runtime, func(file string) bool { return strings.HasPrefix(file, verifyPrefix) }), trial.Tidy(ctx, h, m, name))
}
