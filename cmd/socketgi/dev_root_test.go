package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// needRoot skips what only root can try.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root can try this")
		}
		t.Skip("only root can try this")
	}
}

// TestDevAsRoot checks that root's dev refuses, before anything is run, what another user
// can write.
func TestDevAsRoot(t *testing.T) {
	needRoot(t)
	for name, c := range map[string]struct {
		spoil string
		args  []string
		want  string
	}{
		"file":        {"chown 1234 app/app.py", []string{"app/app.py"}, "/app/app.py belongs to 1234: setpriv --reuid=1234 --regid="},
		"folder":      {"chmod o+w app", []string{"app/app.py"}, "/app has mode 0757"},
		"environment": {"chown -R 1234 app/.venv", []string{"app/app.py", "--python", "app/.venv/bin/python"}, "/app/.venv belongs to 1234"},
		"module":      {"chown 1234 .", []string{"app.web:app", "--python", "/usr/bin/env"}, " belongs to 1234"},
		"cgi":         {"chown 1234 app/cgi", []string{"--cgi", "--", "app/cgi/a"}, "/app/cgi belongs to 1234"},
		"argument":    {"chown 1234 app/cgi/b", []string{"--cgi", "--", "app/cgi/a", "app/cgi/b"}, "/app/cgi/b belongs to 1234"},
		"cgi root":    {"chown 1234 app/cgi/b", []string{"--cgi-root", "app/cgi"}, "/app/cgi/b belongs to 1234"},
		"cgi link":    {"ln -s /nowhere app/cgi/c; chown -h 1234 app/cgi/c", []string{"--cgi-root", "app/cgi"}, "/app/cgi/c belongs to 1234"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			out, err := exec.Command("sh", "-ec", "umask 022; cd "+dir+`
mkdir -p app/.venv/bin app/cgi
touch app/app.py app/.venv/pyvenv.cfg
for f in app/.venv/bin/python app/cgi/a app/cgi/b; do printf '#!/bin/sh\ntouch `+dir+`/ran\n' > $f; chmod 755 $f; done
`+c.spoil).CombinedOutput()
			require.NoError(t, err, "%s", out)
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // it serves where it should refuse
			defer cancel()
			cmd := exec.CommandContext(ctx, "socketgi", append([]string{"dev", "--listen", "127.0.0.1:0", "--adapter", filepath.Join(adapterDir, adapter.Program)}, c.args...)...)
			cmd.Dir = dir
			out, err = cmd.CombinedOutput()
			assert.Error(t, err)
			assert.Contains(t, string(out), "socketgi: refusing to run as root what other users can write: ")
			assert.Contains(t, string(out), c.want)
			assert.NoFileExists(t, filepath.Join(dir, "ran"))
		})
	}
}
