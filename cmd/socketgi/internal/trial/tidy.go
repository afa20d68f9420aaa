package trial

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"golang.org/x/sys/unix"
)

// Tidy ends abandoned trials of an application, and removes their files. The caller has the lock of
// [Trial.Locked].
func Tidy(ctx context.Context, h host.Host, m *manager.Manager, name string) error {
	runtime, err := h.RuntimeDir()
	if err != nil {
		return err
	}
	var all []error
	for _, e := range entries(runtime) {
		if isLeftOutlet(e) {
			all = append(all, os.RemoveAll(filepath.Join(runtime, e)))
		}
	}
	dir, left := unitDir(h, runtime), false
	for _, e := range entries(dir) {
		unit := strings.TrimSuffix(e, ".d")
		if !isLeft(unit, name) {
			continue
		}
		left = true
		all = append(all, m.Stop(ctx, unit), os.RemoveAll(filepath.Join(dir, e)))
	}
	if left {
		all = append(all, m.ReloadContext(ctx))
	}
	return errors.Join(all...)
}

// isLeft reports whether a unit is that of a trial whose program has ended.
func isLeft(unit, name string) bool {
	id, ok := strings.CutPrefix(strings.TrimSuffix(unit, ".service"), name+"@"+instance+"_")
	return unit == lockedUnit(name) || ok && gone(id)
}

// isLeftOutlet reports whether a directory is that of an outlet whose reader has ended.
func isLeftOutlet(dir string) bool {
	id, ok := strings.CutPrefix(dir, outletPrefix)
	pid, _, hasPID := strings.Cut(id, "-")
	return ok && (!hasPID || gone(pid))
}

// gone reports whether a process has ended.
func gone(id string) bool {
	pid, err := strconv.Atoi(id)
	return err == nil && pid > 0 && unix.Kill(pid, 0) == unix.ESRCH
}

// entries are the names in a directory, none where it can't be read.
func entries(dir string) (names []string) {
	all, _ := os.ReadDir(dir)
	for _, e := range all {
		names = append(names, e.Name())
	}
	return names
}
