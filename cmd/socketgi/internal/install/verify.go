package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/units"
)

// verifyPrefix is the prefix of directories with units to verify.
const verifyPrefix = ".socketgi-verify-"

// verify has systemd-analyze check the units before they are installed.
func (a *Add) verify(ctx context.Context, pair units.Pair) error {
	runtime, err := a.Host.RuntimeDir()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(runtime, verifyPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	var files []string
	for _, f := range pair.Files() {
		path := filepath.Join(dir, f.Name)
		if err := os.WriteFile(path, []byte(f.Text), 0o644); err != nil {
			return err
		}
		files = append(files, path)
	}
	said, err := a.Host.Verify(ctx, files...)
	text := strings.ReplaceAll(said, dir+"/", "")
	switch exit := (*exec.ExitError)(nil); {
	case errors.Is(err, host.ErrNoAnalyze):
		a.Log("%v: the units were not verified", err)
		return nil
	case errors.As(err, &exit):
		return fmt.Errorf("systemd-analyze verify finds mistakes in the units:\n%s", text)
	}
	if text != "" {
		a.Log("systemd-analyze verify:\n%s", text)
	}
	return err
}
