package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/scgihttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestNoDescriptors gives the process of one connection fewer and fewer descriptors. Where
// Python can't be started for lack of them, that is a machine that is too busy, and no
// fault of the application.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	get := func(limit int) (status int, body string) {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
		conn, err := net.FileConn(ours)
		ours.Close()
		require.NoError(t, err)
		cmd := exec.Command("sh", "-c", "ulimit -n "+strconv.Itoa(limit)+`; exec "$@"`, "sh", os.Args[0], "testdata/warm.py")
		cmd.Env = append(os.Environ(), "BE_ADAPTER=1")
		cmd.Stdin = theirs
		require.NoError(t, cmd.Start())
		theirs.Close()
		defer func() { _ = cmd.Wait() }()
		client := &http.Client{Timeout: 60 * time.Second, Transport: &scgihttp.Transport{Dial: func(context.Context) (net.Conn, error) { return conn, nil }}}
		resp, err := client.Get("http://localhost/")
		require.NoError(t, err, "with %d descriptors", limit)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(text)
	}
	busy := 0
	limit := 20
	for ; busy < 2; limit-- {
		status, body := get(limit)
		if status != 200 {
			assert.Equal(t, 503, status, "with %d descriptors: %s", limit, body)
			busy++
		}
		require.Greater(t, limit, 6)
	}
	assert.Less(t, limit, 19, "at first there were enough")
}

// TestNoDescriptorsWarm takes the descriptors away from a warm adapter and has
// nothing to wait for. Its end is a failure: the service manager waits before it starts the
// next one, for the connection that is still there.
func TestNoDescriptorsWarm(t *testing.T) {
	t.Parallel()
	for name, u := range map[string]*unit{"wsgi": newUnit(t, "--workers", "1", "testdata/warm.py"), "cgi": newUnit(t, "--cgi", "/bin/true")} {
		t.Run(name, func(t *testing.T) {
			p := u.start()
			u.told("READY=1")
			require.NoError(t, unix.Prlimit(p.cmd.Process.Pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: 3}, nil))
			conn, err := net.Dial("unix", u.path)
			require.NoError(t, err)
			defer conn.Close()
			assert.Contains(t, p.wait(t), "too many open files")
			assert.Equal(t, 1, p.cmd.ProcessState.ExitCode())
		})
	}
}
