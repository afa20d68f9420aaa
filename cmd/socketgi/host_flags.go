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

// hostFlags select a system or a service manager.
type hostFlags struct {
	root        string
	userManager bool
}

func (h *hostFlags) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&h.root, "root", "", "work on the files of a system in `DIR`, offline")
	f.BoolVar(&h.userManager, "user-manager", false, "work on this user's service manager (systemctl --user)")
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
		return host.Host{}, fmt.Errorf("--root %s: no such directory", h.root)
	}
	if root == "/" {
		root = "" // as for systemctl
	}
	other := host.Host{Root: root}
	if _, err = other.Dirs(); err != nil { // links to its units may form a loop
		return other, err
	}
	return other, access.RootMayWrite(root)
}

// defineHost defines the flag that selects a service manager.
func defineHost(cmd *cobra.Command, h *host.Host) {
	cmd.Flags().BoolVar(&h.User, "user-manager", false, "use this user's service manager (systemctl --user)")
}
