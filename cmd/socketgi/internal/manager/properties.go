package manager

import (
	"context"
	"fmt"
	"time"
)

// Properties of a unit, by their names in D-Bus. A property that this systemd lacks has its zero value.
type Properties map[string]any

// Properties returns the properties of all units and those of the unit's type, such as Socket.
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

// Get returns a property of type T, the zero value for another type.
func Get[T any](p Properties, name string) T {
	v, _ := p[name].(T)
	return v
}

// Text returns a string.
func (p Properties) Text(name string) string { return Get[string](p, name) }

// Yes returns a boolean.
func (p Properties) Yes(name string) bool { return Get[bool](p, name) }

// Number returns an integer of any type of D-Bus.
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

// Span returns a time span, which is in microseconds.
func (p Properties) Span(name string) time.Duration {
	return time.Duration(p.Number(name)) * time.Microsecond
}

// Time returns a time, which is in microseconds since the epoch; the zero time: none.
func (p Properties) Time(name string) time.Time {
	usec := p.Number(name)
	if usec == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(usec))
}
