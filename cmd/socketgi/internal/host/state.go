package host

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
)

// State is the state of an application's socket (org.freedesktop.systemd1(5)).
type State struct {
	// Active and Sub are ActiveState and SubState, such as active and listening.
	Active, Sub string
	// Result is the result of its last run, such as success.
	Result string
	// Enabled is UnitFileState: enabled, disabled, static, masked, ...
	Enabled string
	// Since is the time of the last change of this state.
	Since time.Time
	// Stale is true if files have changed since systemd read them.
	Stale bool
	// Listen are its addresses.
	Listen []string
	// Accepted, Now and Refused count connections. Refused ones are closed without a response.
	Accepted, Now, Refused uint32
	// MaxConnections and MaxPerSource are the limits; 0 per source is none.
	MaxConnections, MaxPerSource uint32
	// More than TriggerBurst starts within TriggerInterval stop the socket for good,
	// where that is not 0.
	TriggerInterval time.Duration
	TriggerBurst    uint32
}

// Is returns the state of the socket in one word: listening, running (the service of an Accept=no socket runs),
// stopped or failed.
func (s *State) Is() string {
	switch {
	case s.Active == "inactive":
		return "stopped"
	case s.Active == "failed":
		return "failed"
	}
	return s.Sub
}

// Service is a service of an application: an instance for one request, or the only one.
type Service struct {
	Name        string
	Active, Sub string
	Result      string
	// Text is its status (StatusText).
	Text string
	// PID is its main process, 0: none.
	PID   uint32
	Since time.Time
	// Memory is its memory in bytes, -1 if systemd doesn't account for it.
	Memory int64
}

// State returns the state of an application's socket.
func (a *Application) State(ctx context.Context, m *manager.Manager) (*State, error) {
	p, err := m.Properties(ctx, a.Socket.Name, "Socket")
	if err != nil {
		return nil, err
	}
	s := &State{
		Active: p.Text("ActiveState"), Sub: p.Text("SubState"), Result: p.Text("Result"),
		Enabled: p.Text("UnitFileState"), Since: p.Time("StateChangeTimestamp"),
		Accepted: manager.Get[uint32](p, "NAccepted"), Now: manager.Get[uint32](p, "NConnections"), Refused: manager.Get[uint32](p, "NRefused"),
		MaxConnections: manager.Get[uint32](p, "MaxConnections"), MaxPerSource: manager.Get[uint32](p, "MaxConnectionsPerSource"),
		TriggerInterval: time.Duration(manager.Get[uint64](p, "TriggerLimitIntervalUSec")) * time.Microsecond,
		TriggerBurst:    manager.Get[uint32](p, "TriggerLimitBurst"),
	}
	for _, l := range manager.Get[[][]any](p, "Listen") { // pairs of a kind and an address
		if len(l) == 2 {
			s.Listen = append(s.Listen, fmt.Sprint(l[1]))
		}
	}
	if s.Stale, err = Stale(ctx, m, a.Socket, a.Socket.Name); err == nil && a.Warm && !s.Stale {
		// systemd reads the template of an Accept=yes socket again for each connection.
		s.Stale, err = Stale(ctx, m, a.Service, a.Service.Name)
	}
	return s, err
}

// containsFiles reports whether all files are among the known ones, with symbolic links followed: /lib is a link to
// /usr/lib.
func containsFiles(known, files []string) bool {
	resolved := map[string]bool{}
	for _, k := range known {
		if p, err := filepath.EvalSymlinks(k); err == nil {
			resolved[p] = true
		}
	}
	for _, f := range files {
		if p, err := filepath.EvalSymlinks(f); err == nil && !resolved[p] {
			return false
		}
	}
	return true
}

// Services returns the services of an application, oldest first: the instances of running requests, or the only
// service, running or not.
func (a *Application) Services(ctx context.Context, m *manager.Manager) ([]Service, error) {
	names := []string{a.Service.Name}
	if !a.Warm {
		// A template's name has no instance: NAME@.service is NAME@INSTANCE.service.
		pattern := strings.TrimSuffix(a.Service.Name, ".service") + "*.service"
		list, err := m.ListUnitsByPatternsContext(ctx, nil, []string{pattern})
		if err != nil {
			return nil, fmt.Errorf("systemd: properties of %s: %w", pattern, err)
		}
		names = names[:0]
		for _, u := range list {
			names = append(names, u.Name)
		}
	}
	services := make([]Service, 0, len(names))
	for _, name := range names {
		p, err := m.Properties(ctx, name, "Service")
		if err != nil {
			return nil, err
		}
		if !a.Warm && p.Text("ActiveState") == "inactive" {
			continue // it has ended since then
		}
		memory := manager.Get[uint64](p, "MemoryCurrent")
		s := Service{
			Name: name, Active: p.Text("ActiveState"), Sub: p.Text("SubState"), Result: p.Text("Result"),
			Text: p.Text("StatusText"), PID: manager.Get[uint32](p, "MainPID"), Since: p.Time("StateChangeTimestamp"), Memory: int64(memory),
		}
		if memory == math.MaxUint64 || memory == 0 {
			s.Memory = -1
		}
		services = append(services, s)
	}
	sort.SliceStable(services, func(i, j int) bool { return services[i].Since.Before(services[j].Since) })
	return services, nil
}

// Enabled reports from the files whether an application's socket is enabled.
func (h Host) Enabled(a *Application) string {
	dirs, _ := h.Dirs()
	for _, dir := range dirs {
		for _, kind := range []string{"wants", "requires"} {
			folders, _ := filepath.Glob(filepath.Join(dir, "*."+kind))
			for _, folder := range folders {
				real, err := h.real(folder)
				if err != nil {
					continue
				}
				if _, err := os.Lstat(filepath.Join(real, a.Socket.Name)); err == nil {
					return "enabled"
				}
			}
		}
	}
	if a.Socket.Has("Install") {
		return "disabled"
	}
	return "static"
}
