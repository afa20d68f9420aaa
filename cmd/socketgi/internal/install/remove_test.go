package install

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRemoveLocks has remove read the units only while no other command adds or removes.
func TestRemoveLocks(t *testing.T) {
	root := t.TempDir()
	r := &Remove{Host: host.Host{Root: root}, Name: "app", Log: func(string, ...any) {}}
	assert.ErrorIs(t, r.Run(t.Context()), host.ErrNoApplication, "there is no directory to lock")
	dir := filepath.Join(root, "etc/systemd/system")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	assert.ErrorIs(t, r.Run(t.Context()), host.ErrNoApplication)
	l, err := lock(dir)
	require.NoError(t, err)
	assert.ErrorContains(t, r.Run(t.Context()), "another socketgi is adding or removing", "the units may have been removed")
	require.NoError(t, l.Close())
}
