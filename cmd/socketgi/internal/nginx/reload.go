package nginx

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// reloadTimeout is how long a master may take to replace its workers. It reads the
// configuration, and opens certificates and sockets, which is done within a second.
const reloadTimeout = 30 * time.Second

// Reload has nginx read its configuration, and returns when no worker with the one before
// accepts connections any more: nginx -s reload only sends a signal, and until the master has
// taken it, the next request is answered as before. A configuration that nginx refuses is an error
// with nginx's own words, and changes nothing.
func Reload(ctx context.Context) error {
	program, err := Program()
	if err != nil {
		return err
	}
	conf, err := Config(ctx, program)
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		return fmt.Errorf("nginx refuses its configuration, and keeps the old one: %w", err)
	}
	if err != nil {
		return err
	}
	about, err := About(ctx, program)
	if err != nil {
		return fmt.Errorf("nginx -V: %w", err)
	}
	master, err := Master(PIDFile(about, conf))
	if errors.Is(err, ErrNotRunning) {
		return fmt.Errorf("%w: systemctl start nginx", err)
	}
	if err != nil {
		return err
	}
	before := Workers(master)
	if _, err := output(exec.CommandContext(ctx, program, "-s", "reload")); err != nil {
		return fmt.Errorf("nginx -s reload: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	for !replaced(before, Workers(master)) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("nginx still has its old workers %v after the reload: read its error.log", reloadTimeout)
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// replaced reports whether there are workers, and none of those of before.
func replaced(before, now []Worker) bool {
	return len(now) > 0 && !slices.ContainsFunc(now, func(w Worker) bool { return slices.Contains(before, w) })
}
