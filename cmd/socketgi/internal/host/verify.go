package host

import (
	"context"
	"errors"
	"os/exec"
	"strings"
)

// ErrNoAnalyze is returned where systemd-analyze is not installed.
var ErrNoAnalyze = errors.New("systemd-analyze is not installed")

// Verify has systemd-analyze read unit files, and returns its output: a line for each complaint, also about other
// units of this machine. The error is an *exec.ExitError if a unit is unusable. There is no API for that: systemd
// only logs unknown directives.
func (h Host) Verify(ctx context.Context, files ...string) (said string, err error) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		return "", ErrNoAnalyze
	}
	args := append([]string{"verify", "--man=no"}, files...)
	if h.User {
		args = append(args, "--user")
	}
	run := func(args ...string) error {
		out, err := exec.CommandContext(ctx, analyze, args...).CombinedOutput()
		said = strings.TrimSpace(string(out))
		return err
	}
	// Without it the units count that these depend on.
	err = run(append(args, "--recursive-errors=no")...)
	if err != nil && strings.Contains(said, "unrecognized option") { // before systemd 250
		err = run(args...)
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return said, err
}
