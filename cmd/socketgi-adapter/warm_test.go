package main

import (
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

// who is what the application of testdata/warm.py says of itself.
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
	app := "testdata/warm.py"
	if n := len(flags); n > 0 && strings.HasSuffix(flags[n-1], ".py") {
		app, flags = flags[n-1], flags[:n-1]
	}
	u := newUnit(t, append(append([]string{"--python", python}, flags...), app)...)
	p := u.start()
	u.told("READY=1")
	return u, p
}

// stop ends the service, and returns what it logged.
func (p *process) stop(t *testing.T) string {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	return p.wait(t)
}

func TestWarm(t *testing.T) {
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
	assert.Len(t, random, 20, "nobody has another's random numbers")
	assert.GreaterOrEqual(t, strings.Count(p.stop(t), "atexit in "), 20)
}

// TestWarmReplaced ends workers in all ways, in the middle of requests and between
// them; the others don't notice.
func TestWarmReplaced(t *testing.T) {
	python := pythons(t)[0]
	for _, preload := range []string{"yes", "no"} {
		u, p := warmUnit(t, python, "--workers", "2", "--preload", preload, "--timeout", "2s", "--max-memory", "100M")
		assert.Equal(t, 502, u.get("/die").status)
		assert.Equal(t, 200, u.get("/").status)
		assert.Equal(t, 504, u.get("/hang").status)
		pid := u.who("/grow").pid
		pid2 := u.who("/grow").pid
		for range 4 {
			now := u.who("/").pid
			assert.NotEqual(t, pid, now, "who takes too much memory is replaced")
			assert.NotEqual(t, pid2, now)
		}
		// One that is killed while it waits is not given a request.
		killed := u.who("/").pid
		require.NoError(t, syscall.Kill(atoi(t, killed), syscall.SIGKILL))
		require.Eventually(t, func() bool { return syscall.Kill(atoi(t, killed), 0) == syscall.ESRCH }, 10*time.Second, time.Millisecond)
		if preload == "yes" { // nor is the one missed that they are forked from
			w := u.who("/")
			require.NoError(t, syscall.Kill(atoi(t, w.loaded), syscall.SIGKILL))
			require.NoError(t, syscall.Kill(atoi(t, w.pid), syscall.SIGKILL))
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range 10 {
					assert.Equal(t, 200, u.get("/").status)
				}
			}()
		}
		wg.Wait()
		log := p.stop(t)
		assert.Contains(t, log, "was killed by SIGKILL")
		assert.Contains(t, log, "no end of the response after 2s")
	}
}

// TestWarmReload changes the application under its requests, none of which fails.
func TestWarmReload(t *testing.T) {
	python := pythons(t)[0]
	app := filepath.Join(t.TempDir(), "app.py")
	write := func(text string) {
		require.NoError(t, os.WriteFile(app+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(app+".new", app))
	}
	says := func(word string) string {
		return "def application(e, s):\n    s('200 OK', [])\n    return [b'" + word + "']\n"
	}
	for _, preload := range []string{"yes", "no"} {
		write(says("old"))
		u, p := warmUnit(t, python, "--workers", "2", "--preload", preload, app)
		over := make(chan struct{})
		var wg sync.WaitGroup
		for range 2 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for {
					select {
					case <-over:
						return
					default:
						assert.Equal(t, 200, u.get("/").status)
					}
				}
			}()
		}
		reload := func() {
			require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
			u.toldPrefix("RELOADING=1\nMONOTONIC_USEC=")
			u.toldPrefix("READY=1\nSTATUS=")
		}
		write(says("new"))
		reload()
		assert.Equal(t, "new", u.get("/").body)
		write("raise RuntimeError('broken')\n")
		reload()
		assert.Equal(t, "new", u.get("/").body, "what works goes on")
		close(over)
		wg.Wait()
		assert.Contains(t, p.stop(t), "RuntimeError: broken")
	}
}

// toldPrefix waits for a state that begins so; others in between are left out.
func (u *unit) toldPrefix(prefix string) {
	u.t.Helper()
	buf := make([]byte, 1000)
	require.NoError(u.t, u.notify.SetReadDeadline(time.Now().Add(20*time.Second)))
	for {
		n, err := u.notify.Read(buf)
		require.NoError(u.t, err, prefix)
		if strings.HasPrefix(string(buf[:n]), prefix) {
			return
		}
	}
}

// TestWarmCannotLoad answers while there is no application, and serves it when there is.
func TestWarmCannotLoad(t *testing.T) {
	python := pythons(t)[0]
	app := filepath.Join(t.TempDir(), "app.py")
	for _, preload := range []string{"yes", "no"} {
		require.NoError(t, os.WriteFile(app, []byte("raise RuntimeError('no database')\n"), 0o600))
		u, p := warmUnit(t, python, "--workers", "2", "--preload", preload, app)
		got := u.get("/")
		assert.Contains(t, []int{500, 503}, got.status)
		assert.NotContains(t, got.body, "database")
		require.NoError(t, os.WriteFile(app, []byte("def application(e, s):\n    s('200 OK', [])\n    return [b'well']\n"), 0o600))
		assert.Eventually(t, func() bool { return u.get("/").body == "well" }, 15*time.Second, 50*time.Millisecond)
		log := p.stop(t)
		assert.Contains(t, log, "RuntimeError: no database")
	}
}

// TestWarmShared names what workers had better not share.
func TestWarmShared(t *testing.T) {
	python := pythons(t)[0]
	app := filepath.Join(t.TempDir(), "app.py")
	require.NoError(t, os.WriteFile(app, []byte(`
import socket, threading
pair = socket.socketpair()
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
threading.Thread(target=threading.Event().wait, name='ticker', daemon=True).start()
def application(e, s):
    s('200 OK', [])
    return [b'well']
`), 0o600))
	u, p := warmUnit(t, python, "--workers", "1", app)
	assert.Equal(t, "well", u.get("/").body)
	log := p.stop(t)
	assert.Contains(t, log, "loading the application has opened a socket to 127.0.0.1:")
	assert.Contains(t, log, "loading the application has started threads (ticker)")
	assert.Contains(t, log, "--preload no")
}

// TestWarmWaits has more requests than workers, and one that waits too long.
func TestWarmWaits(t *testing.T) {
	python := pythons(t)[0]
	gate := filepath.Join(t.TempDir(), "gate")
	require.NoError(t, syscall.Mkfifo(gate, 0o600))
	u, p := warmUnit(t, python, "--workers", "1", "--queue-timeout", "1s")
	answer := make(chan reply)
	go func() { answer <- u.get("/wait?" + gate) }()
	open, err := os.OpenFile(gate, os.O_WRONLY, 0)
	require.NoError(t, err)
	assert.Equal(t, 503, u.get("/").status)
	require.NoError(t, open.Close())
	assert.Equal(t, 200, (<-answer).status)
	assert.Equal(t, 200, u.get("/").status)

	go func() { answer <- u.get("/wait?" + gate) }()
	open, err = os.OpenFile(gate, os.O_WRONLY, 0)
	require.NoError(t, err)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	u.toldPrefix("STOPPING=1")
	require.NoError(t, open.Close())
	assert.Equal(t, 200, (<-answer).status, "a request in the middle is finished")
	p.wait(t)
}

func TestWarmIdleExit(t *testing.T) {
	u, p := warmUnit(t, pythons(t)[0], "--workers", "2", "--idle-exit", "50ms")
	assert.Equal(t, 200, u.get("/").status)
	u.toldPrefix("STOPPING=1")
	log := p.wait(t)
	assert.NotContains(t, log, "Traceback")
	assert.Equal(t, 0, p.cmd.ProcessState.ExitCode())
}

func TestWarmScript(t *testing.T) {
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
