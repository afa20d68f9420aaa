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

// A killed command can't undo its changes. The next command for the same application does: it has the lock, so that
// the files are unused.

// tidyFiles restores units and cached code that were being replaced or removed, so that the next command finds the
// complete application.
func tidyFiles(h host.Host, dir, name string) error {
	var all []error
	for _, unit := range []string{name + ".socket", name + "@.service", name + ".service", units.SliceName(name)} {
		all = append(all, takeBack(filepath.Join(dir, "."+unit+".old"), filepath.Join(dir, unit)),
			removeAll(dir, func(file string) bool {
				digits, ok := strings.CutPrefix(file, "."+unit+".new-") // unless it is a file of another application
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

// takeBack renames a kept file to its old name, unless that exists.
func takeBack(kept, path string) error {
	if _, err := os.Lstat(kept); err != nil {
		return nil
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(kept, path)
	}
	return os.RemoveAll(kept)
}

// removeAll removes the entries of a directory with such names.
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

// tidyTrials ends abandoned trials of the application.
func tidyTrials(ctx context.Context, m *manager.Manager, h host.Host, name string) error {
	runtime, err := h.RuntimeDir()
	if err != nil {
		return err
	}
	return errors.Join(removeAll(runtime, func(file string) bool { return strings.HasPrefix(file, verifyPrefix) }), trial.Tidy(ctx, h, m, name))
}
