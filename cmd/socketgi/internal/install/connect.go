package install

import (
	"context"
	"fmt"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
)

func connect(ctx context.Context, h host.Host) (*manager.Manager, error) {
	// After an interruption, undoing still needs the connection.
	m, err := h.Connect(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fmt.Errorf("%w; for the files of a system that isn't running, use --root", err)
	}
	return m, nil
}

// disconnect is a step that ends the connection.
func disconnect(m *manager.Manager) func() error {
	return func() error {
		m.Close()
		return nil
	}
}

// instances lists the units that belong to an application, besides its socket.
func instances(ctx context.Context, m *manager.Manager, name string) (found []string, err error) {
	list, err := m.ListUnitsByPatternsContext(ctx, nil, []string{name + "@*.service", name + ".service"})
	for _, u := range list {
		if u.LoadState != "not-found" || u.ActiveState != "inactive" {
			found = append(found, u.Name)
		}
	}
	return found, err
}
