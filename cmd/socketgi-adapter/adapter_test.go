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

// TestMain makes the test binary the adapter. Those that tests start read the code of the runtime
// from a cache, as in a unit: compiling it takes twice the time of all else. Where SOCKETGI_PYTHONS
// is set, each compiles it.
func TestMain(m *testing.M) {
	if os.Getenv("BE_ADAPTER") == "1" {
		os.Unsetenv("BE_ADAPTER")
		main()
	}
	os.Exit(func() int {
		var err error
		if builds, err = os.MkdirTemp("", "socketgi-test-"); err != nil {
			panic(err)
		}
		defer os.RemoveAll(builds)
		if os.Getenv("SOCKETGI_PYTHONS") == "" {
			os.Setenv("CACHE_DIRECTORY", builds)
		}
		os.Setenv("GORACE", "atexit_sleep_ms=0")
		return m.Run()
	}())
}

// builds is the directory of what is made for all tests.
var builds string

// adapterOf is the program that a test runs. For the family TestWarm, which has the most at once in
// one process, the adapter is built with the race detector, which needs a C compiler.
func adapterOf(t testing.TB) string {
	if strings.HasPrefix(t.Name(), "TestWarm") {
		return watched()
	}
	return os.Args[0]
}

var watched = sync.OnceValue(func() string {
	program := filepath.Join(builds, "watched")
	if out, err := exec.Command("go", "build", "-race", "-o", program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "TestWarm goes without the race detector: %v\n%s", err, out)
		return os.Args[0]
	}
	return program
})

// pythons lists the interpreters to test with: python3, that of the system rather than another one of
// PATH, whose packages make each start slower, and pypy3; or those of SOCKETGI_PYTHONS, a list of
// paths or "all" for every one that is found.
func pythons(t *testing.T) []string {
	found := findPythons()
	require.NotEmpty(t, found, "no python3 in PATH")
	return found
}

// findPythons starts each, which takes seconds.
var findPythons = sync.OnceValue(func() (found []string) {
	names := []string{"python3", "pypy3"}
	if _, err := os.Stat("/usr/bin/python3"); err == nil {
		names[0] = "/usr/bin/python3"
	}
	switch list := os.Getenv("SOCKETGI_PYTHONS"); list {
	case "":
	case "all":
		names = append(names, "python3")
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
	// listens is for one that is handed a listener, and serves all requests of a test (Accept=no).
	listens bool
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
	p := &process{cmd: exec.Command(adapterOf(a.t), a.args...), ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "BE_ADAPTER=1"), a.env...)
	p.cmd.Dir = a.dir
	p.cmd.Stdin, p.cmd.Stderr = theirs, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(a.t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	p.endWith(a.t)
	return p
}

// endWith ends the adapter with a test, and fails that for a race.
func (p *process) endWith(t testing.TB) {
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		assert.NotContains(t, p.stderr.String(), "DATA RACE")
	})
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
	case <-time.After(60 * time.Second):
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
	if !a.listens {
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
		recorded := func() bool {
			log = a.process.stderr.String()[a.read:]
			return strings.Contains(log, " bytes ") && strings.HasSuffix(log, "\n")
		}
		if !assert.Eventually(a.t, recorded, 60*time.Second, time.Millisecond) {
			require.Fail(a.t, "there is no record of the request", "%s", a.process.stderr.String())
		}
		a.read += len(log)
		return log
	}
}

// end ends an adapter that listens.
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
