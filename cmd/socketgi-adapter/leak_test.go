package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// leaking is an application with secrets, which fails in the way that the path says.
const leaking = `import os, time
SECRET = os.environ["SECRET"]
if os.environ.get("UNLOADABLE"):
    raise RuntimeError(SECRET)
def application(environ, start_response):
    how = environ["PATH_INFO"]
    if how == "/raise":
        raise RuntimeError(SECRET)
    if how == "/exit":
        os._exit(3)
    if how == "/headers":
        start_response("200 OK", [(SECRET, 5)])
    if how == "/nothing":
        return []
    if how == "/late":
        time.sleep(60)
    start_response("200 OK", [])
    return [b""]
`

// TestNothingLeaks asks for every way in which a request can fail, and for each way to
// have more said about it. What the log has of it is the operator's alone.
func TestNothingLeaks(t *testing.T) {
	python := pythons(t)[0]
	dir := filepath.Join(t.TempDir(), "hidden-place")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "cgi/directory"), 0o755))
	app := filepath.Join(dir, "application.py")
	require.NoError(t, os.WriteFile(app, []byte(leaking), 0o600))
	executable(t, filepath.Join(dir, "cgi/bad.cgi"), "#!/bin/sh\necho \"$SECRET\"\n")
	executable(t, filepath.Join(dir, "cgi/exits.cgi"), "#!/bin/sh\necho \"$SECRET\" >&2\nexit 3\n")
	executable(t, filepath.Join(dir, "cgi/interpreter.cgi"), "#!/nonexistent/hidden-place\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "cgi/plain.cgi"), []byte("#!/bin/sh\n"), 0o644))
	require.NoError(t, os.Symlink(app, filepath.Join(dir, "cgi/out.cgi")))

	wsgi := []string{"--python", python, app}
	cgi := []string{"--cgi-root", filepath.Join(dir, "cgi")}
	for _, c := range []struct {
		status int
		args   []string
		env    string
		path   string // or the whole request, where it isn't a path
	}{
		{500, wsgi, "", "/raise"},
		{500, wsgi, "", "/headers"},
		{500, wsgi, "", "/nothing"},
		{500, wsgi, "UNLOADABLE=1", "/"},
		{500, []string{"--python", "/nonexistent/hidden-place", app}, "", "/"},
		{500, []string{"--no-such-flag=hidden-place", app}, "", "/"},
		{500, []string{"--cgi", filepath.Join(dir, "nowhere.cgi")}, "", "/"},
		{500, []string{"--concurrency", "1", "--slots", filepath.Join(dir, "nowhere"), "--cgi", "/bin/true"}, "", "/"},
		{500, cgi, "", "/interpreter.cgi"},
		{502, wsgi, "", "/exit"},
		{502, cgi, "", "/bad.cgi"},
		{502, cgi, "", "/exits.cgi"},
		{504, append([]string{"--timeout", "500ms"}, wsgi...), "", "/late"},
		{403, cgi, "", "/directory"},
		{403, cgi, "", "/plain.cgi"},
		{403, cgi, "", "/out.cgi"},
		{404, cgi, "", "/nowhere.cgi"},
		{404, cgi, "", "/../application.py"},
		{408, append([]string{"--header-timeout", "20ms"}, wsgi...), "", "70:CONTENT"},
		{408, append([]string{"--body-timeout", "20ms"}, wsgi...), "", "24:CONTENT_LENGTH\x005\x00SCGI\x001\x00,he"},
		{413, append([]string{"--max-body", "1"}, wsgi...), "", "24:CONTENT_LENGTH\x005\x00SCGI\x001\x00,hello"},
		{431, append([]string{"--max-headers", "2"}, wsgi...), "", "/"},
		{431, wsgi, "", "99999:"},
		{400, wsgi, "", "24:CONTENT_LENGTH\x000\x00SCGI\x001\x00,"},
		{400, wsgi, "", "GET / HTTP/1.1\r\n\r\n"},
	} {
		a := &invocation{t: t, args: c.args, env: []string{"SECRET=secret-value", c.env}}
		conn, p := a.start()
		answer := askFor(t, conn, c.path)
		log := p.wait(t)
		expectNoLeak(t, c.status, answer, log, fmt.Sprintf("%v %q", c.args, c.path))
	}

	// Where the application is warm, and where there is no place for a request.
	t.Setenv("SECRET", "secret-value")
	u := newUnit(t, wsgi...)
	u.start()
	u.told("READY=1")
	for path, status := range map[string]int{"/raise": 500, "/headers": 500, "/nothing": 500, "/exit": 502} {
		expectNoLeak(t, status, askFor(t, u.dial(), path), "", path)
	}
	gate := filepath.Join(dir, "gate")
	require.NoError(t, unix.Mkfifo(gate, 0o600))
	u = newUnit(t, "--concurrency", "1", "--queue-timeout", "20ms", "--cgi", "/bin/cat", gate)
	u.start()
	u.told("READY=1")
	holder := u.dial()
	_, err := holder.Write(wire(t, "GET", "/"))
	require.NoError(t, err)
	open, err := os.OpenFile(gate, os.O_WRONLY, 0) // opens when the program is there
	require.NoError(t, err)
	expectNoLeak(t, 503, askFor(t, u.dial(), "/"), "", "no place")
	open.Close()
	holder.Close()
	unloadable := newUnit(t, append([]string{"--no-such-flag=hidden-place"}, wsgi...)...)
	unloadable.start()
	unloadable.told("READY=1")
	expectNoLeak(t, 500, askFor(t, unloadable.dial(), "/"), "", "a flag that isn't there")
}

func (u *unit) dial() net.Conn {
	u.t.Helper()
	c, err := net.Dial("unix", u.path)
	require.NoError(u.t, err)
	return c
}

// askFor asks for a path with all that might mean "say more", or sends what isn't a path.
func askFor(t *testing.T, conn net.Conn, path string) string {
	t.Helper()
	defer conn.Close()
	text := []byte(path)
	if path[0] == '/' {
		var err error
		text, err = scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "REQUEST_URI", Value: path},
			{Name: "QUERY_STRING", Value: "debug=1&traceback=1"}, {Name: "HTTP_X_DEBUG", Value: "1"}, {Name: "DEBUG", Value: "1"},
			{Name: "PYTHONDEBUG", Value: "1"}, {Name: "HTTP_ACCEPT", Value: "text/html"}, {Name: "wsgi.debug", Value: "1"}})
		require.NoError(t, err)
	}
	_, err := conn.Write(text)
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	return string(answer)
}

// expectNoLeak searches a response for internal details. The log has them, or the
// reason why nothing was begun.
func expectNoLeak(t *testing.T, status int, answer, log, what string) {
	t.Helper()
	assert.True(t, strings.HasPrefix(answer, fmt.Sprintf("Status: %d ", status)), "%s: %s\n%s", what, answer, log)
	for _, text := range []string{"hidden-place", "secret-value", "SECRET", "Traceback", "goroutine", "panic", ".py", ".cgi", ".go:", "RuntimeError", "line ",
		os.TempDir() + "/", "/usr", "/bin", "/nonexistent", "uid", "errno", "no such file", "flag"} {
		assert.NotContains(t, answer, text, what)
	}
}
