package doctor

import (
	"context"
	"time"
)

// properties are what systemd says of a unit.
type properties map[string]any

// of asks systemd for a unit's properties, those of its type (Socket, Service) included.
func (x *examination) of(ctx context.Context, unit, kind string) (properties, error) {
	if x.manager == nil {
		return nil, x.noManager
	}
	all, err := x.manager.GetUnitPropertiesContext(ctx, unit)
	if err != nil {
		return nil, err
	}
	own, err := x.manager.GetUnitTypePropertiesContext(ctx, unit, kind)
	if err != nil {
		return nil, err
	}
	for k, v := range own {
		all[k] = v
	}
	return all, nil
}

func (p properties) text(name string) string { s, _ := p[name].(string); return s }
func (p properties) yes(name string) bool    { b, _ := p[name].(bool); return b }

func (p properties) number(name string) uint64 {
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

// span is a property in microseconds.
func (p properties) span(name string) time.Duration {
	return time.Duration(p.number(name)) * time.Microsecond
}
