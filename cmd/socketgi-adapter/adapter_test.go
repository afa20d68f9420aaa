package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/scgihttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestMain makes the test binary the adapter.
func TestMain(m *testing.M) {
	if os.Getenv("BE_ADAPTER") == "1" {
		os.Unsetenv("BE_ADAPTER")
		main()
	}
	os.Exit(m.Run())
}

// pythons lists the interpreters to test with: python3 and pypy3 of PATH, or those of
// SOCKETGI_PYTHONS, a list of paths or "all" for every one that is found.
func pythons(t *testing.T) []string {
	found := findPythons()
	require.NotEmpty(t, found, "no python3 in PATH")
	return found
}

// findPythons starts each, which takes seconds.
var findPythons = sync.OnceValue(func() (found []string) {
	names := []string{"python3", "pypy3"}
	switch list := os.Getenv("SOCKETGI_PYTHONS"); list {
	case "":
	case "all":
		for minor := 8; minor <= 15; minor++ {
			names = append(names, fmt.Sprintf("python3.%d", minor))
		}
		home, _ := os.UserHomeDir()
		pyenv, _ := filepath.Glob(filepath.Join(home, ".pyenv/versions/*/bin/python3"))
		names = append(names, pyenv...)
	default:
		return filepath.SplitList(list)
	}
	seen := map[string]bool{}
	for _, name := range names {
		// A name in PATH may be a script that finds the interpreter.
		out, err := exec.Command(name, "-c", "import sys; assert sys.version_info >= (3, 8); print(sys.executable)").Output()
		if err != nil {
			continue
		}
		path := strings.TrimSpace(string(out))
		if real, err := filepath.EvalSymlinks(path); err == nil && !seen[real] {
			seen[real] = true
			found = append(found, path)
		}
	}
	return found
})

// TestPythons skips where what the others try with two implementations is tried with one.
func TestPythons(t *testing.T) {
	if list := pythons(t); len(list) == 1 && os.Getenv("SOCKETGI_PYTHONS") == "" {
		t.Skip("there is no pypy3 in PATH: make test installs it")
	}
}

// eachPython runs a test with every interpreter.
func eachPython(t *testing.T, test func(t *testing.T, python string)) {
	for _, python := range pythons(t) {
		t.Run(strings.Trim(strings.ReplaceAll(python, "/", "_"), "_"), func(t *testing.T) { test(t, python) })
	}
}

// eachVersion runs a test of what no implementation does differently with the first interpreter,
// or with all that SOCKETGI_PYTHONS names.
func eachVersion(t *testing.T, test func(t *testing.T, python string)) {
	if os.Getenv("SOCKETGI_PYTHONS") != "" {
		eachPython(t, test)
		return
	}
	test(t, pythons(t)[0])
}

// invocation is how the adapter is run in a test.
type invocation struct {
	t    *testing.T
	args []string
	env  []string
	dir  string
	// mount is what the web server sends as SCRIPT_NAME.
	mount string
	// stays is for one that is handed a listener, and serves all requests of a test (Accept=no).
	stays   bool
	unit    *unit
	process *process
	read    int // bytes of its log that belong to requests which are over
}

// process is an adapter that is serving.
type process struct {
	cmd    *exec.Cmd
	stderr record
	ended  chan struct{}
}

// record is what a process has written, which may be read while it goes on.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *record) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *record) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// start runs an adapter with a connection as its standard input.
func (a *invocation) start() (net.Conn, *process) {
	a.t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(a.t, err)
	return a.startOn(pair)
}

// startOn is start with a connection that is there.
func (a *invocation) startOn(pair [2]int) (net.Conn, *process) {
	a.t.Helper()
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	require.NoError(a.t, err)
	return conn, a.startFile(theirs)
}

// startFile runs an adapter with that connection.
func (a *invocation) startFile(theirs *os.File) *process {
	a.t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], a.args...), ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "BE_ADAPTER=1", "GORACE=atexit_sleep_ms=0"), a.env...)
	p.cmd.Dir = a.dir
	p.cmd.Stdin, p.cmd.Stderr = theirs, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(a.t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	a.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// stop ends the service, and returns what it logged.
func (p *process) stop(t *testing.T) string {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	return p.wait(t)
}

// wait waits for the adapter to end, and returns what it logged.
func (p *process) wait(t *testing.T) string {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		t.Fatalf("the adapter doesn't end: %s", p.stderr.String())
	}
	return p.stderr.String()
}

// reply is a response that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
	err    error
	log    string
}

// do sends one request, and waits until all that is logged of it is.
func (a *invocation) do(method, url string, body io.Reader) reply {
	a.t.Helper()
	conn, logged := a.connect()
	transport := &scgihttp.Transport{Mount: a.mount, Dial: func(context.Context) (net.Conn, error) { return conn, nil }}
	req, err := http.NewRequest(method, "http://localhost"+url, body)
	require.NoError(a.t, err)
	resp, err := transport.RoundTrip(req)
	require.NoError(a.t, err)
	data, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	return reply{resp.StatusCode, resp.Header, string(data), err, logged()}
}

// connect has the adapter serve a connection. Logged waits until it has, for what it says of it.
func (a *invocation) connect() (conn net.Conn, logged func() string) {
	a.t.Helper()
	if !a.stays {
		conn, p := a.start()
		return conn, func() string { return p.wait(a.t) }
	}
	if a.unit == nil {
		a.unit = newUnit(a.t, append([]string{"--workers", "1"}, a.args...)...)
		a.unit.env, a.unit.dir = a.env, a.dir
		a.process = a.unit.start()
		a.unit.toldOf("READY=1")
		a.read = len(a.process.stderr.String())
	}
	conn, err := net.Dial("unix", a.unit.path)
	require.NoError(a.t, err)
	return conn, func() string {
		log := ""
		require.Eventually(a.t, func() bool {
			log = a.process.stderr.String()[a.read:]
			return strings.Contains(log, " ms CPU, ") && strings.HasSuffix(log, "\n") // the record of the request
		}, 20*time.Second, time.Millisecond)
		a.read += len(log)
		return log
	}
}

// end ends an adapter that stays.
func (a *invocation) end() {
	a.t.Helper()
	if a.process != nil {
		a.process.stop(a.t)
		a.unit, a.process = nil, nil
	}
}

func (a *invocation) get(url string) reply {
	a.t.Helper()
	return a.do("GET", url, nil)
}

func pep(t *testing.T, python string, more ...string) *invocation {
	return &invocation{t: t, args: append(append([]string{"--python", python}, more...), "testdata/pep.py")}
}

func TestHandedNothing(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "testdata/pep.py")
	cmd.Env = append(os.Environ(), "BE_ADAPTER=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Equal(t, exitServe, cmd.ProcessState.ExitCode())
	assert.Equal(t, "socketgi-adapter serves what a systemd socket unit hands to it, "+
		"and was handed nothing; to try it by hand: socketgi dev testdata/pep.py\n", string(out))
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
		{[]string{"testdata/pep.py:1x"}, "not the name of a callable"},
		{[]string{"--max-body", "much", "testdata/pep.py"}, `"much" is not a size`},
		{[]string{"--concurrency", "2", "testdata/pep.py"}, "RuntimeDirectory="},
		{[]string{"--mount", "app", "testdata/pep.py"}, "begins with a slash"},
		{[]string{"--timeout", "-1s", "testdata/pep.py"}, "timeout"},
		{[]string{"--python", "/nonexistent/python3", "testdata/pep.py"}, "/nonexistent/python3 is not there"},
	} {
		a := &invocation{t: t, args: c.args, env: []string{"PYTHONPATH="}}
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
