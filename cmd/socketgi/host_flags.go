package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/spf13/cobra"
)

// hostFlags say whose units are meant.
type hostFlags struct {
	root        string
	userManager bool
}

func (h *hostFlags) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&h.root, "root", "", "work on the files of the system in `DIR`, which doesn't run")
	f.BoolVar(&h.userManager, "user-manager", false, "work on this user's own systemd (systemctl --user)")
}

func (h *hostFlags) host() (host.Host, error) {
	if h.root != "" && h.userManager {
		return host.Host{}, errors.New("--root and --user-manager exclude each other")
	}
	if h.root == "" {
		return host.Host{User: h.userManager}, nil
	}
	root, err := filepath.Abs(h.root)
	if err != nil {
		return host.Host{}, err
	}
	if info, err := os.Stat(root); err != nil || !info.IsDir() {
		return host.Host{}, fmt.Errorf("--root %s: there is no such directory", h.root)
	}
	if root == "/" {
		root = "" // as systemctl has it
	}
	other := host.Host{Root: root}
	if _, err = other.Dirs(); err != nil { // whether there is a way to its units
		return other, err
	}
	return other, access.RootMayWrite(root)
}

// defineHost defines the flag that says whose systemd is meant.
func defineHost(cmd *cobra.Command, h *host.Host) {
	cmd.Flags().BoolVar(&h.User, "user-manager", false, "of the service manager of this user, not of the system")
}
