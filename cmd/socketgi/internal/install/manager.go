package install

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/go-systemd/v22/dbus"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// manager is a systemd that is told what to do.
type manager struct{ *dbus.Conn }

func connect(ctx context.Context, h host.Host) (manager, error) {
	// Whoever interrupts still has something to be taken back.
	c, err := h.Connect(context.WithoutCancel(ctx))
	if err != nil {
		return manager{}, fmt.Errorf("%w: for the files of a system that doesn't run there is --root", err)
	}
	return manager{c}, nil
}

func (m manager) close() error {
	m.Close()
	return nil
}

// job waits for a job that a unit was given. Its result is "done" if it went well
// (org.freedesktop.systemd1(5), JobRemoved).
func (m manager) job(ctx context.Context, start func(context.Context, string, string, chan<- string) (int, error), unit string) error {
	result := make(chan string, 1)
	if _, err := start(ctx, unit, "replace", result); err != nil {
		return err
	}
	select {
	case r := <-result:
		if r != "done" {
			return fmt.Errorf("%s: %w (%s)", unit, errJob, r)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var errJob = errors.New("systemd couldn't do that")

func (m manager) start(ctx context.Context, unit string) error {
	return m.job(ctx, m.StartUnitContext, unit)
}

func (m manager) restart(ctx context.Context, unit string) error {
	return m.job(ctx, m.RestartUnitContext, unit)
}

// stop stops a unit, if it runs, and has systemd forget how it ended.
func (m manager) stop(ctx context.Context, unit string) error {
	running, err := m.active(ctx, unit)
	if err == nil && running {
		err = m.job(ctx, m.StopUnitContext, unit)
	}
	_ = m.ResetFailedUnitContext(ctx, unit) // fails where there is nothing to be forgotten
	return err
}

func (m manager) property(ctx context.Context, unit, name string) (string, error) {
	p, err := m.GetUnitPropertyContext(ctx, unit, name)
	if err != nil {
		return "", err
	}
	s, _ := p.Value.Value().(string)
	return s, nil
}

// active tells whether a unit runs, or is about to.
func (m manager) active(ctx context.Context, unit string) (bool, error) {
	state, err := m.property(ctx, unit, "ActiveState")
	return state != "inactive" && state != "failed" && state != "", err
}

// loaded checks that systemd takes a unit as it is written.
func (m manager) loaded(ctx context.Context, unit string) error {
	state, err := m.property(ctx, unit, "LoadState")
	if err != nil || state == "loaded" {
		return err
	}
	why := ""
	if p, err := m.GetUnitPropertyContext(ctx, unit, "LoadError"); err == nil {
		if pair, ok := p.Value.Value().([]any); ok && len(pair) == 2 {
			why = fmt.Sprint(": ", pair[1])
		}
	}
	return fmt.Errorf("systemd doesn't take %s (%s)%s", unit, state, why)
}

// instances lists the units that belong to an application, besides its socket.
func (m manager) instances(ctx context.Context, name string) (found []string, err error) {
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
func (m manager) explainStart(ctx context.Context, unit string) string {
	result, _ := m.property(ctx, unit, "Result")
	status := int32(0)
	if p, err := m.GetServicePropertyContext(ctx, unit, "ExecMainStatus"); err == nil {
		status, _ = p.Value.Value().(int32)
	}
	if p, err := m.GetServicePropertyContext(ctx, unit, "Result"); err == nil {
		result, _ = p.Value.Value().(string)
	}
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
