package install

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/units"
	"golang.org/x/sys/unix"
)

// Whoever is killed takes nothing back. What was left of a command for an application is
// tidied by the next one, which has the lock: nobody is using it then.

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
		code, err := rootfs.InsideDir(h.Root, units.CachePath(name))
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

// tidyChecks ends checks of the application that nobody waits for, and removes what they are
// made of.
func tidyChecks(ctx context.Context, m *manager.Manager, h host.Host, name string) error {
	dir, runtime, err := (&Add{Host: h}).checkDirs()
	if err != nil {
		return err
	}
	all := []error{removeAll(runtime, func(file string) bool {
		return strings.HasPrefix(file, ".socketgi-check-") || strings.HasPrefix(file, ".socketgi-verify-")
	})}
	entries, _ := os.ReadDir(dir)
	left := false
	for _, e := range entries {
		unit := strings.TrimSuffix(e.Name(), ".d")
		if unit != units.CheckService(name) && !isLeft(unit, name) {
			continue
		}
		left = true
		all = append(all, m.Stop(ctx, unit), os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	if left {
		all = append(all, m.ReloadContext(ctx))
	}
	return errors.Join(all...)
}

// isLeft tells whether a unit is one of a doctor that is gone.
func isLeft(unit, name string) bool {
	instance, ok := strings.CutPrefix(strings.TrimSuffix(unit, ".service"), name+"@"+host.CheckInstance+"_")
	pid, err := strconv.Atoi(instance)
	return ok && err == nil && pid > 0 && unix.Kill(pid, 0) == unix.ESRCH
}
