package rootfs

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestInside checks the resolution of links, including those that would lead out of root.
func TestInside(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	for _, dir := range []string{"real/deep", "srv"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	for name, target := range map[string]string{
		"etc": "/real", "up": "../../../..", "out": "/../../etc", "loop": "loop", "srv/chain": "/etc/deep",
		"dangling": "/nowhere/at/all", "real/deep/back": "../..", "dot": "././real/../etc/.",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(root, name)))
	}
	for path, want := range map[string]string{
		"/etc/x": "/real/x", "etc": "/real", "/up": "", "/up/etc/deep": "/real/deep", "/out/passwd": "/real/passwd",
		"/srv/chain/x": "/real/deep/x", "/dangling/file": "/nowhere/at/all/file", "/../../../etc": "/real", "/": "",
		"/real/deep/back/srv": "/srv", "/dot/deep": "/real/deep", "/srv/nothing/../etc": "/srv/etc", "//etc///deep/": "/real/deep",
	} {
		got, err := Inside(root, path)
		require.NoError(t, err, path)
		assert.Equal(t, filepath.Join(root, want), got, path)
	}
	_, err := Inside(root, "/loop/x")
	assert.ErrorIs(t, err, unix.ELOOP)
	got, err := InsideDir(root, "/srv/chain")
	require.NoError(t, err)
	assert.Equal(t, root+"/srv/chain", got)
	got, err = Inside("", "/etc")
	require.NoError(t, err)
	assert.Equal(t, "/etc", got)
}
