package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClosed(t *testing.T) {
	dir := t.TempDir()
	inner := filepath.Join(dir, "1000", "socketgi")
	require.NoError(t, os.MkdirAll(inner, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(inner), 0o700))
	for _, up := range []string{filepath.Dir(dir), dir} {
		require.NoError(t, os.Chmod(up, 0o755))
	}
	stranger := &access.Rights{UID: 12345, GID: 12345, Groups: []int{12345}}
	assert.Equal(t, filepath.Dir(inner), closed(stranger, inner))
	assert.Empty(t, closed(&access.Rights{UID: os.Getuid()}, inner))
	require.NoError(t, os.Chmod(filepath.Dir(inner), 0o711))
	assert.Empty(t, closed(stranger, inner))
}

func TestOfUser(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", "/home/me/.config")
	x := &examination{host: host.Host{User: true}}
	assert.Equal(t, "printf x >> /home/me/.config/systemd/user/a.socket.d/socketgi.conf && systemd-analyze --user verify --man=no /a && systemctl --user daemon-reload",
		x.ofUser("printf x >> /etc/systemd/system/a.socket.d/socketgi.conf && systemd-analyze verify --man=no /a && systemctl daemon-reload"))
}
