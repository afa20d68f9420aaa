package install

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestLock has another user lock what they can open.
func TestLock(t *testing.T) {
	dir := t.TempDir()
	d, err := os.Open(dir)
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, unix.Flock(int(d.Fd()), unix.LOCK_EX))
	l, err := lock(dir)
	require.NoError(t, err)
	info, err := os.Stat(filepath.Join(dir, lockName))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	_, err = lock(dir)
	assert.ErrorContains(t, err, "another socketgi")
	require.NoError(t, l.Close())
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
	l, err = lock(dir)
	require.NoError(t, err)
	require.NoError(t, l.Close())
}
