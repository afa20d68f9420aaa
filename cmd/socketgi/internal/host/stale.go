package host

import (
	"context"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
)

// Stale reports whether systemd has loaded other files than those of u. Name is that of the loaded unit: u.Name, or
// an instance of a template.
func Stale(ctx context.Context, m *manager.Manager, u *Unit, name string) (bool, error) {
	all, err := m.GetUnitPropertiesContext(ctx, name)
	p := manager.Properties(all)
	if err != nil || p.Text("LoadState") != "loaded" {
		return false, err
	}
	// systemd notices that a file is not the one it read, but not a new directory of drop-ins.
	known := manager.Get[[]string](p, "DropInPaths")
	if !containsFiles(known, u.DropIns) || gone(known) {
		return true, nil
	}
	if !p.Yes("NeedDaemonReload") {
		return false, nil
	}
	// Since systemd 255, enabling any unit over D-Bus sets this for all units until the next reload, even for the
	// scope of PID 1, which has no file. Then the times of the files are compared.
	if all, err := m.GetUnitPropertyContext(ctx, "init.scope", "NeedDaemonReload"); err != nil || all.Value.Value() != true {
		return true, nil
	}
	read, err := unitsLoaded(m)
	if err != nil {
		return true, nil
	}
	for _, file := range append([]string{u.Path}, u.DropIns...) {
		if info, err := os.Stat(file); err != nil || info.ModTime().After(read) {
			return true, nil
		}
	}
	return false, nil
}

// unitsLoaded returns when systemd last read its units (org.freedesktop.systemd1(5),
// UnitsLoadTimestamp).
func unitsLoaded(m *manager.Manager) (time.Time, error) {
	text, err := m.GetManagerProperty("UnitsLoadTimestamp") // "@t 1700000000000000": microseconds
	if err != nil {
		return time.Time{}, err
	}
	us, err := strconv.ParseInt(strings.TrimPrefix(text, "@t "), 10, 64)
	return time.UnixMicro(us), err
}

// gone reports whether one of the files has been removed.
func gone(files []string) bool {
	for _, f := range files {
		if _, err := os.Stat(f); os.IsNotExist(err) {
			return true
		}
	}
	return false
}
