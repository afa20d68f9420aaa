package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// who returns the identity of a worker of testdata/warm.py.
type who struct{ pid, loaded, count, random, once string }

func (u *unit) who(path string) who {
	u.t.Helper()
	got := u.get(path)
	f := strings.Fields(got.body)
	require.Len(u.t, f, 5, "%d %s", got.status, got.body)
	return who{f[0], f[1], f[2], f[3], f[4]}
}

// warmUnit serves testdata/warm.py, or another application, from a listener.
func warmUnit(t *testing.T, python string, flags ...string) (*unit, *process) {
	t.Helper()
	if n := len(flags); n == 0 || !strings.HasSuffix(flags[n-1], ".py") {
		flags = append(flags, "testdata/warm.py")
	}
	u := newUnit(t, append([]string{"--python", python}, flags...)...)
	p := u.start()
	u.told("READY=1")
	return u, p
}

// program writes an application for one test. DIR in it is its folder.
func program(t *testing.T, text string) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "app.py")
	require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600))
	return path
}

// gate makes what an application waits at when it opens it to read. Open opens it, when
// somebody is there.
func gate(t *testing.T) (path string, open func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "gate")
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	return path, func() {
		t.Helper()
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
}

// raw sends a request, and leaves the connection to the test.
func (u *unit) raw(request []byte) *net.UnixConn {
	u.t.Helper()
	conn, err := net.Dial("unix", u.path)
	require.NoError(u.t, err)
	u.t.Cleanup(func() { conn.Close() })
	require.NoError(u.t, conn.SetDeadline(time.Now().Add(60*time.Second)))
	_, err = conn.Write(request)
	require.NoError(u.t, err)
	return conn.(*net.UnixConn)
}

// clients has n clients send requests, each after the response to the previous one, while more is true for it.
// Each client gets the response to its own request.
func (u *unit) clients(n int, more func(got reply) bool) (wait func()) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for count, on := 0, true; on; count++ {
				asked := fmt.Sprintf("%d-%d", i, count)
				got := u.do("GET", "/echo?"+asked, nil)
				if got.err == nil && got.status == 200 {
					assert.Equal(u.t, asked, got.body[strings.LastIndexByte(got.body, ' ')+1:])
				}
				on = more(got)
			}
		}()
	}
	return wg.Wait
}

func TestWarm(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		u, p := warmUnit(t, python, "--workers", "1")
		first, second := u.who("/"), u.who("/")
		assert.Equal(t, first.pid, second.pid)
		assert.Equal(t, "1", first.count)
		assert.Equal(t, "2", second.count, "the same process goes on")
		assert.NotEqual(t, first.loaded, first.pid, "it was forked from the one that loaded")
		assert.Equal(t, "False", first.once)
		assert.Equal(t, 500, u.get("/raise").status)
		assert.Equal(t, 500, u.get("/exit").status)
		assert.Equal(t, first.pid, u.who("/").pid, "an exception doesn't end it")
		log := p.stop(t)
		assert.Contains(t, log, "RuntimeError: on purpose")
		assert.Contains(t, log, "sys.exit(3)")
		assert.Equal(t, 1, strings.Count(log, "atexit in "+first.pid), log)
		assert.Equal(t, 1, strings.Count(log, "atexit in "), "in workers, and not in their parent: %s", log)

		u, p = warmUnit(t, python, "--workers", "1", "--preload", "no")
		first = u.who("/")
		assert.Equal(t, first.loaded, first.pid, "it has loaded by itself")
		assert.Equal(t, first.pid, u.who("/").pid)
		p.stop(t)
	})
}

// TestWarmFresh has each request in a process of its own.
func TestWarmFresh(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	u, p := warmUnit(t, python, "--workers", "2", "--max-requests", "1")
	seen, loaded, random := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for range 20 {
		w := u.who("/")
		seen[w.pid], loaded[w.loaded], random[w.random] = true, true, true
		assert.Equal(t, "1", w.count)
	}
	assert.Len(t, seen, 20)
	assert.Len(t, loaded, 1, "loaded once")
	assert.Len(t, random, 20, "workers have different random numbers")
	assert.GreaterOrEqual(t, strings.Count(p.stop(t), "atexit in "), 20)
}

func TestWarmIdleExit(t *testing.T) {
	t.Parallel()
	u := newUnit(t, "--python", pythons(t)[0], "--workers", "2", "--idle-exit", "50ms", "testdata/warm.py")
	status := make(chan int)
	go func() { status <- u.do("GET", "/", nil).status }() // it waits at the socket until there is a service
	p := u.start()
	assert.Equal(t, 200, <-status)
	u.toldOf("STOPPING=1")
	log := p.wait(t)
	assert.NotContains(t, log, "Traceback")
	assert.Equal(t, 0, p.cmd.ProcessState.ExitCode())
}

func TestWarmScript(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		app := filepath.Join(t.TempDir(), "app.py")
		require.NoError(t, os.WriteFile(app, []byte("import inetd_scgi, os\ndef app(e, s):\n    s('200 OK', [])\n    return [b'%d' % os.getpid()]\n"+
			"inetd_scgi.run_app(app)\n"), 0o600))
		u, p := warmUnit(t, python, "--workers", "1", app)
		assert.Equal(t, u.get("/").body, u.get("/").body, "run_app serves one request after the other")
		p.stop(t)
	})
}

func atoi(t *testing.T, s string) int {
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}
