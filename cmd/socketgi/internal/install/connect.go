package install

import (
	"context"
	"fmt"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
)

func connect(ctx context.Context, h host.Host) (*manager.Manager, error) {
	// Whoever interrupts still has something to be taken back.
	m, err := h.Connect(context.WithoutCancel(ctx))
	if err != nil {
		return nil, fmt.Errorf("%w: for the files of a system that doesn't run there is --root", err)
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

// explainStart says what kept systemd from starting a service, where it was not the
// program itself (systemd.exec(5), Process Exit Codes).
func explainStart(ctx context.Context, m *manager.Manager, unit string) string {
	p, err := m.Properties(ctx, unit, "Service")
	if err != nil {
		return ""
	}
	result, status := p.Text("Result"), manager.Get[int32](p, "ExecMainStatus")
	if result == "exit-code" && status < 200 {
		return ""
	}
	names := map[int32]string{200: "its working directory", 203: "the program", 216: "its group", 217: "its user", 218: "its capabilities",
		226: "the sandbox's files", 228: "the sandbox's system calls", 233: "a directory of its own", 239: "a directory of its own", 240: "a directory of its own"}
	what := names[status]
	if what == "" {
		what = "it"
	}
	return strings.TrimSpace(fmt.Sprintf("systemd couldn't set up %s (%s, status %d); its own words: journalctl -u %s", what, result, status, unit))
}
