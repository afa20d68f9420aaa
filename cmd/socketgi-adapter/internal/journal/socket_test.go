package journal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestLargeEntry sends entries that are larger than a datagram may be: none is lost, and each
// keeps its fields.
func TestLargeEntry(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	require.NoError(t, unix.SetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF, 128<<10))
	buf := make([]byte, 1<<20)
	for _, length := range []int{10, mostValue, 60000, 400000} {
		path := "/" + strings.Repeat("é", length/2)
		require.NoError(t, socket(pair[0]).send([]field{{"MESSAGE", "GET " + path + " 502\nend"}, {"SOCKETGI_PATH", path}, {"SOCKETGI_STATUS", "502"}}, 0))
		n, err := unix.Read(pair[1], buf)
		require.NoError(t, err)
		got := string(buf[:n])
		assert.True(t, strings.HasSuffix(got, "\nSOCKETGI_STATUS=502\n"))
		assert.Contains(t, got, "SOCKETGI_PATH=/é")
		assert.Contains(t, got, " 502\nend\n")
		assert.Equal(t, length > 100000, strings.Contains(got, " bytes cut]"), "%d", length)
	}
}
