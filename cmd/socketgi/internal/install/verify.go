package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/units"
)

// verify has systemd read the units before anybody else sees them. There is no other way
// to have it complain: what it doesn't understand it only logs.
func (a *Add) verify(ctx context.Context, pair units.Pair) error {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		a.Log("systemd-analyze is not in PATH: the units are not verified")
		return nil
	}
	_, runtime, err := a.checkDirs()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(runtime, ".socketgi-verify-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	args := []string{"verify", "--man=no", "--recursive-errors=no"}
	if a.Host.User {
		args = append(args, "--user")
	}
	for _, f := range pair.Files() {
		path := filepath.Join(dir, f.Name)
		if err := os.WriteFile(path, []byte(f.Text), 0o644); err != nil {
			return err
		}
		args = append(args, path)
	}
	out, err := exec.CommandContext(ctx, analyze, args...).CombinedOutput()
	text := strings.TrimSpace(strings.ReplaceAll(string(out), dir+"/", ""))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return fmt.Errorf("systemd finds mistakes in the units:\n%s", text)
	}
	if text != "" {
		a.Log("systemd says of the units:\n%s", text)
	}
	return err
}
