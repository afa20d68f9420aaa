package host

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCollide(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"/run/a", "/run/a", true}, {"/run/a", "/run/b", false}, {"/var/run/a", "/run/./a", true}, {"@a", "@a", true}, {"@a", "/a", false},
		{"9000", "127.0.0.1:9000", true}, {"9000", "9001", false}, {"127.0.0.1:9000", "127.0.0.2:9000", false}, {"0.0.0.0:9000", "[::1]:9000", true},
		{"[::ffff:127.0.0.1]:9000", "127.0.0.1:9000", true}, {"/run/9000", "9000", false}, {"vsock::1", "9000", false}, {"", "9000", false},
	} {
		assert.Equal(t, c.want, Host{}.Collide(c.a, c.b), "%s %s", c.a, c.b)
		assert.Equal(t, c.want, Host{}.Collide(c.b, c.a), "%s %s", c.b, c.a)
	}
	// One path by another name.
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "real"), 0o755))
	require.NoError(t, os.Symlink("/real", filepath.Join(dir, "absolute")))
	require.NoError(t, os.Symlink("real", filepath.Join(dir, "link")))
	assert.True(t, Host{}.Collide(filepath.Join(dir, "real/a.sock"), filepath.Join(dir, "link/a.sock")))
	assert.False(t, Host{}.Collide(filepath.Join(dir, "real/a.sock"), filepath.Join(dir, "link/b.sock")))
	assert.True(t, Host{Root: dir}.Collide("/real/a.sock", "/absolute/a.sock"))
}
