package install

import (
	"errors"
	"fmt"
	"os"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// allowed tells who may not even try.
func allowed(h host.Host) error {
	if !h.User && h.Root == "" && os.Geteuid() != 0 {
		return writable(fmt.Errorf("the units of this system: %w", os.ErrPermission))
	}
	return nil
}

// writable says what to do where only root may write.
func writable(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: only root may do that (sudo); for your own systemd use --user-manager", err)
	}
	return err
}
