package nginx

import (
	"context"
	"errors"
	"os/exec"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// RefusedError has nginx's own words about a configuration that it doesn't take.
type RefusedError struct{ Words string }

func (e *RefusedError) Error() string { return e.Words }

// Config asks nginx for its configuration, which only root can. The error is a [RefusedError] where
// nginx doesn't take it.
func Config(ctx context.Context, program string) ([]*nginxconf.Directive, error) {
	conf, err := output(exec.CommandContext(ctx, program, "-T", "-q"))
	if err != nil {
		return nil, &RefusedError{failure.Text(err)}
	}
	return nginxconf.Parse(conf)
}

// About is the output of nginx -V: its version and build options.
func About(ctx context.Context, program string) (string, error) {
	about, err := exec.CommandContext(ctx, program, "-V").CombinedOutput()
	return string(about), err
}

// output runs a command, and returns its output, or an error that contains it.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if said := strings.TrimSpace(stderr.String()); err != nil && said != "" {
		err = errors.New(said)
	}
	return stdout.String(), err
}
