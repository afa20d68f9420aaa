// Package manager communicates with systemd over D-Bus: properties and jobs of units
// (org.freedesktop.systemd1(5)).
package manager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Manager is a connection to systemd.
type Manager struct{ *dbus.Conn }

// Timeout limits an answer of systemd, which takes milliseconds.
const Timeout = 25 * time.Second

// ErrJob is wrapped by the error of a failed job, which has the job's result.
var ErrJob = errors.New("systemd: the job failed")

// job waits for a job of a unit. Its result is "done" for success (JobRemoved).
func (m *Manager) job(ctx context.Context, start func(context.Context, string, string, chan<- string) (int, error), unit string) error {
	result := make(chan string, 1)
	if _, err := start(ctx, unit, "replace", result); err != nil {
		return err
	}
	select {
	case r := <-result:
		if r != "done" {
			return fmt.Errorf("%s: %w (%s)", unit, ErrJob, r)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Start starts a unit, and waits for the job.
func (m *Manager) Start(ctx context.Context, unit string) error {
	return m.job(ctx, m.StartUnitContext, unit)
}

// Restart stops a unit, and starts it.
func (m *Manager) Restart(ctx context.Context, unit string) error {
	return m.job(ctx, m.RestartUnitContext, unit)
}

// Stop stops a unit, if it runs, and resets its failed state.
func (m *Manager) Stop(ctx context.Context, unit string) error {
	running, err := m.Active(ctx, unit)
	if err == nil && running {
		err = m.job(ctx, m.StopUnitContext, unit)
	}
	_ = m.ResetFailedUnitContext(ctx, unit) // fails if there is no failed state
	return err
}

// property is a property of all units.
func (m *Manager) property(ctx context.Context, unit, name string) (string, error) {
	p, err := m.GetUnitPropertyContext(ctx, unit, name)
	if err != nil {
		return "", err
	}
	s, _ := p.Value.Value().(string)
	return s, nil
}

// Active reports whether a unit runs or is starting.
func (m *Manager) Active(ctx context.Context, unit string) (bool, error) {
	state, err := m.property(ctx, unit, "ActiveState")
	return state != "inactive" && state != "failed" && state != "", err
}

// CheckLoaded checks that systemd has loaded a unit without an error.
func (m *Manager) CheckLoaded(ctx context.Context, unit string) error {
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
	return fmt.Errorf("systemd can't load %s (%s)%s", unit, state, why)
}
