package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/tree"
	"github.com/socketgi/socketgi/units"
)

// stopAll stops the units of an application, and removes its runtime files.
func stopAll(ctx context.Context, m *manager.Manager, h host.Host, name string) error {
	all := []error{m.Stop(ctx, name+".socket")}
	instances, err := instances(ctx, m, name)
	all = append(all, err)
	for _, unit := range instances {
		all = append(all, m.Stop(ctx, unit))
	}
	all = append(all, m.Stop(ctx, units.SliceName(name)))
	runtime, err := h.RuntimeDir()
	if err != nil {
		return errors.Join(append(all, err)...)
	}
	return errors.Join(append(all, tree.RemoveRuntime(filepath.Join(runtime, filepath.Base(appunits.RuntimePath(name)))))...)
}

// removeSockets removes the directory of all sockets, if it is empty.
func removeSockets(h host.Host) {
	if runtime, err := h.RuntimeDir(); err == nil {
		_ = os.Remove(filepath.Join(runtime, "socketgi"))
	}
}
