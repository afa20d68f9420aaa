package manager

import (
	"context"
	"fmt"
	"time"
)

// Properties of a unit, by their names in D-Bus. One that this systemd doesn't have reads as zero.
type Properties map[string]any

// Properties asks for those that all units have, and those of the unit's type, such as Socket.
func (m *Manager) Properties(ctx context.Context, unit, unitType string) (Properties, error) {
	all, err := m.GetUnitPropertiesContext(ctx, unit)
	if err != nil {
		return nil, fmt.Errorf("systemd: properties of %s: %w", unit, err)
	}
	own, err := m.GetUnitTypePropertiesContext(ctx, unit, unitType)
	if err != nil {
		return nil, fmt.Errorf("systemd: properties of %s: %w", unit, err)
	}
	for k, v := range own {
		all[k] = v
	}
	return all, nil
}

// Get returns a property of which the type is known, the zero value for another one.
func Get[T any](p Properties, name string) T {
	v, _ := p[name].(T)
	return v
}

// Text is a string.
func (p Properties) Text(name string) string { return Get[string](p, name) }

// Yes is a boolean.
func (p Properties) Yes(name string) bool { return Get[bool](p, name) }

// Number is an integer, whichever type it has in D-Bus.
func (p Properties) Number(name string) uint64 {
	switch n := p[name].(type) {
	case uint32:
		return uint64(n)
	case uint64:
		return n
	case int32:
		return uint64(n)
	}
	return 0
}

// Span is a time span in microseconds.
func (p Properties) Span(name string) time.Duration {
	return time.Duration(p.Number(name)) * time.Microsecond
}

// Time is a time in microseconds since the epoch, the zero time for none.
func (p Properties) Time(name string) time.Time {
	usec := p.Number(name)
	if usec == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(usec))
}
