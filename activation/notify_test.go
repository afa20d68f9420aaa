package activation

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestNotify(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "notify"), "@socketgi-" + filepath.Base(t.TempDir()) + t.Name()} {
		l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: name})
		require.NoError(t, err)
		t.Setenv("NOTIFY_SOCKET", name)
		require.NoError(t, Notify(Ready+"\nSTATUS=here"))
		buf := make([]byte, 100)
		n, err := l.Read(buf)
		require.NoError(t, err)
		assert.Equal(t, "READY=1\nSTATUS=here", string(buf[:n]))
		require.NoError(t, l.Close())
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(t.TempDir(), "nobody"))
	assert.Error(t, Notify(Stopping))
	t.Setenv("NOTIFY_SOCKET", "")
	assert.NoError(t, Notify(Stopping))
}
