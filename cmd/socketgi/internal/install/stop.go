package install

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/tree"
	"github.com/socketgi/socketgi/units"
)

// stopAll stops an application with what runs of it, and removes what was there of it
// while it ran.
func stopAll(ctx context.Context, m *manager.Manager, h host.Host, name string, last bool) error {
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
	all = append(all, tree.RemoveRuntime(filepath.Join(runtime, filepath.Base(units.RuntimePath(name)))))
	if last {
		_ = os.Remove(filepath.Join(runtime, "socketgi")) // if nobody else listens there
	}
	return errors.Join(all...)
}
