package install

import (
	"errors"
	"fmt"
	"os"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// allowed checks that this user can add and remove.
func allowed(h host.Host) error {
	if !h.User && h.Root == "" && os.Geteuid() != 0 {
		return writable(fmt.Errorf("units of the system: %w", os.ErrPermission))
	}
	return nil
}

// writable returns an error with the command if only root can write.
func writable(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: run it as root (sudo), or use --user-manager for your own service manager", err)
	}
	return err
}
