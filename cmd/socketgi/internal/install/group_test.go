package install

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGroupOf(t *testing.T) {
	dir := t.TempDir()
	system := filepath.Join(dir, "etc/systemd/system")
	require.NoError(t, os.MkdirAll(system, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(system, "app.socket"), []byte("[Socket]\nAccept=yes\n"), 0o600))
	for service, want := range map[string]int{
		"User=daemon": 1, "User=daemon\nGroup=root": 0, "User=1\nGroup=0": 0, "DynamicUser=yes": -1, "DynamicUser=yes\nGroup=root": -1, "User=nobody-there": -1,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(system, "app@.service"), []byte("[Service]\nExecStart=/bin/x\n"+service+"\n[X-Socketgi]\nApplication=x\n"), 0o600))
		app, err := host.Host{Root: dir}.Load("app")
		require.NoError(t, err)
		assert.Equal(t, want, groupOf(app), service)
	}
}
