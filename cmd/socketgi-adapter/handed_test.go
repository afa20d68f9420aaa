package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/socketgi/socketgi/scgi/scgihttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestHandedNothing(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "testdata/pep.py")
	cmd.Env = append(os.Environ(), "BE_ADAPTER=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, exitServe, cmd.ProcessState.ExitCode())
	assert.Equal(t, "socketgi-adapter serves a socket that a systemd socket unit passes, "+
		"and received none; to try an application: socketgi dev testdata/pep.py\n", string(out))
}

// TestListenFDs hands the connection over as systemd does.
func TestListenFDs(t *testing.T) {
	t.Parallel()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh", os.Args[0], "testdata/pep.py")
	cmd.Env = append(os.Environ(), "BE_ADAPTER=1", "LISTEN_FDS=1", "REMOTE_ADDR=192.0.2.1", "REMOTE_PORT=1", "KEPT=yes")
	cmd.ExtraFiles = []*os.File{theirs}
	require.NoError(t, cmd.Start())
	theirs.Close()
	conn, err := net.FileConn(ours)
	require.NoError(t, err)
	transport := &scgihttp.Transport{Dial: func(context.Context) (net.Conn, error) { return conn, nil }}
	resp, err := transport.RoundTrip(&http.Request{Method: "GET", URL: mustURL(t, "http://localhost/environ"), Host: "localhost"})
	require.NoError(t, err)
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	resp.Body.Close()
	require.NoError(t, cmd.Wait())
	env := environOf(t, string(data))["os.environ"].(map[string]any)
	assert.Equal(t, "yes", env["KEPT"], "the unit's environment")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "REMOTE_ADDR", "REMOTE_PORT", "REQUEST_METHOD", "HTTP_HOST"} {
		assert.NotContains(t, env, name)
	}
}

// TestMalformed checks that nothing is started for what the decoder refuses.
func TestMalformed(t *testing.T) {
	t.Parallel()
	rows, err := os.ReadFile("../../scgi/testdata/malformed.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(rows)) {
		i := strings.IndexByte(line, '"')
		if line[0] == '#' || i < 0 {
			continue
		}
		wire, err := strconv.Unquote(strings.TrimSpace(line[i:]))
		require.NoError(t, err)
		a := &invocation{t: t, args: []string{"--python", "/nonexistent", "--body-timeout", "5s", "testdata/pep.py"}}
		conn, p := a.start()
		_, err = conn.Write([]byte(wire))
		require.NoError(t, err)
		require.NoError(t, conn.(*net.UnixConn).CloseWrite())
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		conn.Close()
		assert.True(t, strings.HasPrefix(string(answer), "Status: "+line[:3]+" "), "%s: %s", line, answer)
		assert.NotContains(t, p.wait(t), "nonexistent")
	}
}

func TestConnectAndClose(t *testing.T) {
	t.Parallel()
	conn, p := pep(t, "/nonexistent").start()
	conn.Close()
	assert.Empty(t, p.wait(t), "somebody looked whether we are there: no news")
	assert.Equal(t, 0, p.cmd.ProcessState.ExitCode())
}

func TestHeaderTimeout(t *testing.T) {
	t.Parallel()
	conn, p := pep(t, "/nonexistent", "--header-timeout", "20ms").start()
	_, err := conn.Write([]byte("70:CONTENT"))
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	conn.Close()
	assert.Contains(t, string(answer), "Status: 408 ")
	assert.Contains(t, p.wait(t), "408")
}

func TestLimitFlags(t *testing.T) {
	t.Parallel()
	a := pep(t, "/nonexistent", "--max-body", "1K")
	assert.Equal(t, 413, a.do("POST", "/", bytes.NewReader(make([]byte, 1025))).status)
	a = pep(t, "/nonexistent", "--max-header", "64")
	assert.Equal(t, 431, a.get("/").status)
	a = pep(t, "/nonexistent", "--max-headers", "3")
	assert.Equal(t, 431, a.get("/").status)
}

// TestMisconfigured checks that the client gets an answer, and the log the reason.
func TestMisconfigured(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		log  string
	}{
		{[]string{"--no-such-flag", "testdata/pep.py"}, "no-such-flag"},
		{[]string{}, "expected one APP"},
		{[]string{"testdata/nowhere.py"}, "testdata/nowhere.py: no such file"},
		{[]string{"test data"}, "package.module"},
		{[]string{"testdata/"}, "is a directory"},
		{[]string{"testdata/pep.py:1x"}, "not a callable after the colon"},
		{[]string{"--max-body", "much", "testdata/pep.py"}, `"much" is not a size`},
		{[]string{"--concurrency", "2", "testdata/pep.py"}, "RuntimeDirectory="},
		{[]string{"--mount", "app", "testdata/pep.py"}, "must begin with a slash"},
		{[]string{"--timeout", "-1s", "testdata/pep.py"}, "timeout"},
		{[]string{"--python", "/nonexistent/python3", "testdata/pep.py"}, "/nonexistent/python3 does not exist"},
	} {
		a := &invocation{t: t, args: c.args, env: []string{"CACHE_DIRECTORY="}}
		got := a.get("/")
		assert.Equal(t, 500, got.status, "%v", c.args)
		assert.Contains(t, got.log, c.log)
		assert.NotContains(t, got.body, c.log)
	}
}

// TestConcurrency fills the only slot, and checks that the next request waits for
// it, that one which waits too long is told, and that a killed holder frees it.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	dir := t.TempDir()
	args := []string{"--python", python, "--cache", dir, "--concurrency", "1", "--queue-timeout", "100ms"}
	gate := filepath.Join(dir, "gate")
	require.NoError(t, syscall.Mkfifo(gate, 0o600))
	app := filepath.Join(dir, "app.py")
	require.NoError(t, os.WriteFile(app, []byte("def application(e, s):\n    open('"+gate+"').read()\n    s('200 OK', [])\n    return [b'done']\n"), 0o600))
	holder := &invocation{t: t, args: append(args, app)}
	conn, p := holder.start()
	_, err := conn.Write(wire(t, "GET", "/"))
	require.NoError(t, err)
	open, err := os.OpenFile(gate, os.O_WRONLY, 0) // opens when the application is there
	require.NoError(t, err)

	got := holder.get("/")
	assert.Equal(t, 503, got.status)
	assert.Equal(t, "5", got.header.Get("Retry-After"))
	assert.Contains(t, got.log, "GET / 503")

	waiting := &invocation{t: t, args: append([]string{"--queue-timeout", "20s"}, append(args[:6:6], "testdata/factory.py")...)}
	answer := make(chan reply)
	go func() { answer <- waiting.get("/") }()
	require.NoError(t, p.cmd.Process.Kill())
	assert.Equal(t, "made", (<-answer).body)
	open.Close()
	conn.Close()
}
