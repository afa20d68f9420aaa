package doctor

import (
	"net"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHolder(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	assert.Contains(t, holder(port), "process "+strconv.Itoa(os.Getpid())+" (")
	require.NoError(t, l.Close())
	assert.Empty(t, holder(port))
	assert.Empty(t, holder("x"))
}
