package oserror

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestText checks real errors of package os, alone and wrapped.
func TestText(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	script := filepath.Join(dir, "script")
	require.NoError(t, os.WriteFile(script, []byte("#!/no/such\n"), 0o755))
	_, open := os.Open(missing)
	_, stat := os.Stat(missing)
	rename := os.Rename(missing, script)
	const reason = "no such file or directory"
	for _, c := range []struct {
		err  error
		want string
	}{
		{open, missing + ": " + reason},
		{stat, missing + ": " + reason},
		{os.Remove(dir), dir + ": directory not empty"},
		{rename, "can't rename " + missing + " to " + script + ": " + reason},
		{os.Symlink("x", script), "can't link x to " + script + ": file exists"},
		{exec.Command(script).Run(), script + " can't be executed: " + reason},
		{os.NewSyscallError("fcntl", syscall.EINVAL), "fcntl(2): invalid argument"},
		{fmt.Errorf("%s: %w", "x", fs.ErrNotExist), "x: " + reason},
		{fmt.Errorf("the units: %w; use sudo", open), "the units: " + missing + ": " + reason + "; use sudo"},
		{errors.Join(open, errors.New("other"), stat), missing + ": " + reason + "\nother\n" + missing + ": " + reason},
		{errors.New("open x: of another kind"), "open x: of another kind"},
	} {
		assert.Equal(t, c.want, Text(c.err))
	}
}
