package journal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	for unit, want := range map[string]bool{
		"app.socket": true, "app.service": true, "app@0-1-2.service": true, "app@.service": true,
		"app": false, "app2.service": false, "app-x@1.service": false, "my-app.service": false, "app.slice": false, "": false,
	} {
		assert.Equal(t, want, (&Entry{Unit: unit}).Of("app"), unit)
	}
}

func TestParse(t *testing.T) {
	e, err := parse([]byte(`{"__REALTIME_TIMESTAMP":"1704164645000001","MESSAGE":null,"SOCKETGI_STATUS":"x"}`))
	require.NoError(t, err)
	assert.Equal(t, Entry{Time: e.Time, Priority: 6}, *e)
	assert.EqualValues(t, 1704164645000001, e.Time.UnixMicro())
	for _, line := range []string{"", "null", "{}", "journalctl: something"} {
		_, err := parse([]byte(line))
		assert.Error(t, err, line)
	}
}

// TestReadable is a test for users without access.
func TestReadable(t *testing.T) {
	dir := t.TempDir()
	machine := filepath.Join(dir, "0123")
	assert.NoError(t, readable(dir, "/nonexistent"), "there is none")
	require.NoError(t, os.Mkdir(machine, 0o755))
	file := filepath.Join(machine, "system.journal")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	assert.NoError(t, readable(dir))
	if os.Geteuid() == 0 {
		return // root can read everything: the end-to-end test has another user
	}
	require.NoError(t, os.Chmod(file, 0))
	assert.ErrorIs(t, readable(dir), ErrDenied)
	require.NoError(t, os.Chmod(machine, 0))
	defer os.Chmod(machine, 0o755)
	assert.ErrorIs(t, readable(dir), ErrDenied)
}
