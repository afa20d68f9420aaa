package pool

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNewModules creates files and folders while an application can't be loaded, maybe because they
// were missing. Only those where Python searches for its modules lead to a reload.
func TestNewModules(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "shop")
	require.NoError(t, os.Mkdir(dir, 0o700))
	app := filepath.Join(dir, "app.py")
	require.NoError(t, os.WriteFile(app, []byte("import missing"), 0o600))
	k := &keeper{cfg: &Config{App: wsgi.App{File: app}}, dir: dir, mail: make(chan func()), over: make(chan struct{}), buf: make([]byte, 64<<10), now: time.Now()}
	defer close(k.over)
	require.NoError(t, k.watchFiles())
	k.loaded(worker.Report{Result: outcome.Result{Problem: &outcome.Problem{}}})
	appears := func(what func(string) error, name string) bool {
		k.changed = time.Time{}
		require.NoError(t, what(filepath.Join(above, name)))
		k.filesChanged()
		return !k.changed.IsZero()
	}
	folder := func(path string) error { return os.Mkdir(path, 0o700) }
	file := func(path string) error { return os.WriteFile(path, nil, 0o600) }
	assert.False(t, appears(folder, "another"), "of another application")
	assert.False(t, appears(file, "another/module.py"))
	assert.False(t, appears(file, "another.py"))
	assert.True(t, appears(file, "shop/missing.py"))
	assert.True(t, appears(folder, "shop/package"))
	assert.True(t, appears(file, "shop/package/__init__.py"))
	assert.True(t, appears(os.Remove, "shop/app.py"))
	assert.True(t, appears(folder, "shop/later"), "the folder contained a file of the application")
	assert.False(t, appears(folder, "shop/__pycache__"))
	assert.False(t, appears(file, "shop/notes.txt"))
}
