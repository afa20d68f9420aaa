// Package manager talks to a systemd over D-Bus: properties of units, and jobs for them
// (org.freedesktop.systemd1(5)).
package manager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
)

// Manager is a systemd that can be asked, and told what to do.
type Manager struct{ *dbus.Conn }

// Timeout is how long a systemd may take to answer; it takes milliseconds.
const Timeout = 25 * time.Second

// ErrJob is wrapped by the error of a job that didn't go well; it says how the job ended.
var ErrJob = errors.New("systemd: the job failed")

// job waits for a job that a unit was given. Its result is "done" if it went well (JobRemoved).
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

// Start starts a unit, and returns when that is done.
func (m *Manager) Start(ctx context.Context, unit string) error {
	return m.job(ctx, m.StartUnitContext, unit)
}

// Restart stops a unit, and starts it.
func (m *Manager) Restart(ctx context.Context, unit string) error {
	return m.job(ctx, m.RestartUnitContext, unit)
}

// Stop stops a unit, if it runs, and has systemd forget how it ended.
func (m *Manager) Stop(ctx context.Context, unit string) error {
	running, err := m.Active(ctx, unit)
	if err == nil && running {
		err = m.job(ctx, m.StopUnitContext, unit)
	}
	_ = m.ResetFailedUnitContext(ctx, unit) // fails where there is nothing to be forgotten
	return err
}

// property is one that all units have.
func (m *Manager) property(ctx context.Context, unit, name string) (string, error) {
	p, err := m.GetUnitPropertyContext(ctx, unit, name)
	if err != nil {
		return "", err
	}
	s, _ := p.Value.Value().(string)
	return s, nil
}

// Active reports whether a unit runs, or is about to.
func (m *Manager) Active(ctx context.Context, unit string) (bool, error) {
	state, err := m.property(ctx, unit, "ActiveState")
	return state != "inactive" && state != "failed" && state != "", err
}

// CheckLoaded checks that systemd takes a unit as it is written.
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
