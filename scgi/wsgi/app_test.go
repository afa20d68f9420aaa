package wsgi

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFindPythonTrust has somebody make links to what is root's, in a folder like /tmp, where
// an environment would be found.
func TestFindPythonTrust(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root can give files away")
		}
		t.Skip("only root can give files away")
	}
	dir := t.TempDir()
	app := filepath.Join(dir, "app.py")
	require.NoError(t, os.WriteFile(app, nil, 0o600))
	venv := filepath.Join(dir, "venv")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "bin"), 0o755))
	require.NoError(t, os.MkdirAll(venv, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bin/python"), nil, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pyvenv.cfg"), nil, 0o600))
	for _, part := range []string{"pyvenv.cfg", "bin"} {
		require.NoError(t, os.Symlink(filepath.Join(dir, part), filepath.Join(venv, part)))
	}
	python, _, err := FindPython(App{File: app})
	require.NoError(t, err)
	assert.Equal(t, filepath.Join(venv, "bin/python"), python, "root's links")
	for _, part := range []string{"pyvenv.cfg", "bin"} {
		require.NoError(t, os.Lchown(filepath.Join(venv, part), 1234, 1234))
		python, _, err := FindPython(App{File: app})
		require.NoError(t, err)
		assert.Equal(t, filepath.Join(dir, "bin/python"), python, "%s is another user's link", part)
		require.NoError(t, os.Lchown(filepath.Join(venv, part), 0, 0))
	}
}
