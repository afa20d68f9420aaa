package tree

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestRemove removes what an application has made to stay: more directories in each other
// than a process can have open.
func TestRemove(t *testing.T) {
	var before unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &before))
	few := before
	few.Cur = 64
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
	t.Cleanup(func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &before)) })
	base := t.TempDir()
	kept := filepath.Join(base, "kept")
	require.NoError(t, os.Mkdir(kept, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(kept, "file"), nil, 0o644))
	tree := filepath.Join(base, "tree")
	require.NoError(t, os.Mkdir(tree, 0o755))
	for i := range 3000 {
		require.NoError(t, os.WriteFile(filepath.Join(tree, strconv.Itoa(i)), nil, 0o644))
	}
	for range 2 {
		at, err := unix.Open(tree, unix.O_RDONLY|unix.O_DIRECTORY, 0)
		require.NoError(t, err)
		for i := range 5000 {
			name := "d" + strconv.Itoa(i%3)
			_ = unix.Mkdirat(at, name, 0o755)
			if i%100 == 0 {
				_ = unix.Symlinkat(kept, at, "link")
				_ = unix.Mkfifoat(at, "fifo", 0o644)
			}
			next, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
			require.NoError(t, err)
			require.NoError(t, unix.Close(at))
			at = next
		}
		require.NoError(t, unix.Close(at))
	}
	link := filepath.Join(base, "link")
	require.NoError(t, os.Symlink(tree, link))
	require.NoError(t, Remove(link))
	assert.DirExists(t, tree, "a link is not followed")
	require.NoError(t, Remove(tree))
	assert.NoDirExists(t, tree)
	assert.FileExists(t, filepath.Join(kept, "file"))
	assert.NoError(t, Remove(tree), "it is gone")
}
