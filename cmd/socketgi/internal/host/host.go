// Package host has the applications of a machine: their unit files with drop-ins, and the systemd that
// runs them.
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/dbus"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
)

// Host selects a system or a service manager. The zero value is this machine's systemd.
type Host struct {
	// Root is the directory of another system, whose systemd doesn't run ("systemctl --root").
	Root string
	// User selects the service manager of this user ("systemctl --user").
	User bool
}

// Dirs are the directories of unit files, in descending order of priority
// (systemd.unit(5), Unit File Load Path).
func (h Host) Dirs() ([]string, error) {
	dirs := []string{"/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"}
	if h.User {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, fmt.Errorf("the directory of this user's units: %w", err)
		}
		dirs = []string{filepath.Join(config, "systemd/user"), "/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user"}
		if runtime := os.Getenv("XDG_RUNTIME_DIR"); runtime != "" {
			dirs = append(dirs[:1:1], append([]string{filepath.Join(runtime, "systemd/user")}, dirs[1:]...)...)
		}
	}
	for i := range dirs {
		var err error
		if dirs[i], err = rootfs.Inside(h.Root, dirs[i]); err != nil {
			return nil, err
		}
	}
	return dirs, nil
}

// Dir is the directory of the operator's own unit files.
func (h Host) Dir() (string, error) {
	dirs, err := h.Dirs()
	if err != nil {
		return "", err
	}
	return dirs[0], nil
}

// SystemdVersion returns the version of systemd, such as 252; 0 if it doesn't answer.
func (h Host) SystemdVersion(ctx context.Context) int {
	c, err := h.Connect(ctx)
	if err != nil {
		return 0
	}
	defer c.Close()
	text, err := c.GetManagerProperty("Version")
	if err != nil {
		return 0
	}
	return versionIn(text)
}

// versionIn parses systemd's version: "252.39-1~deb12u1", 257 or v256-rc3, with quotes.
func versionIn(text string) int {
	text = strings.TrimLeft(text, `"v`)
	end := strings.IndexFunc(text, func(c rune) bool { return c < '0' || c > '9' })
	if end < 0 {
		end = len(text)
	}
	n, _ := strconv.Atoi(text[:end]) // 0 if it can't be parsed
	return n
}

// ErrNoManager is returned if systemd doesn't answer.
var ErrNoManager = errors.New("systemd doesn't answer")

// Connect connects to systemd.
func (h Host) Connect(ctx context.Context) (*manager.Manager, error) {
	if h.Root != "" {
		return nil, fmt.Errorf("%w: the system in %s doesn't run", ErrNoManager, h.Root)
	}
	connect := dbus.NewWithContext // root connects directly, others through the system bus
	if h.User {
		connect = dbus.NewUserConnectionContext
	}
	c, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoManager, err)
	}
	return &manager.Manager{Conn: c}, nil
}
