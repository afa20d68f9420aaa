package failure

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestText checks real errors of the standard library, alone and wrapped.
func TestText(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	_, dial := net.Dial("unix", socket)
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	defer l.Close()
	_, listen := net.Listen("unix", socket)
	client, err := net.Dial("unix", socket)
	require.NoError(t, err)
	require.NoError(t, client.SetReadDeadline(time.Unix(1, 0)))
	_, late := client.Read(make([]byte, 1))
	client.Close()
	_, closed := client.Read(make([]byte, 1))
	_, number := strconv.Atoi("x1")
	_, parse := url.ParseRequestURI("%zz")
	_, noPort := net.Dial("tcp", "localhost")
	ended, cancel := context.WithTimeout(context.Background(), -time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ended, http.MethodGet, "http://localhost/", nil)
	require.NoError(t, err)
	_, get := (&http.Transport{}).RoundTrip(request)
	_, open := os.Open(socket + "x")
	for _, c := range []struct {
		err  error
		want string
	}{
		{dial, "can't connect to " + socket + ": no such file or directory"},
		{listen, "can't listen at " + socket + ": address already in use"},
		{late, "connection to " + socket + ": timed out"},
		{closed, "connection to " + socket + ": the connection is closed"},
		{number, `"x1" is not a number`},
		{parse, `"%zz": invalid URI for request`},
		{noPort, "can't connect: localhost: missing port in address"},
		{exec.Command("no-such-program").Run(), "no-such-program: not found in PATH"},
		{get, "timed out"},
		{fmt.Errorf("journal: %w: use sudo", open), "journal: " + socket + "x: no such file or directory: use sudo"},
	} {
		assert.Equal(t, c.want, Text(c.err))
	}
}
