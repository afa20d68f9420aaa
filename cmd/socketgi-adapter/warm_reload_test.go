package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWarmReload changes the application under its requests, none of which fails.
func TestWarmReload(t *testing.T) {
	t.Parallel()
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
			u.toldOf("RELOADING=1\nMONOTONIC_USEC=")
			u.toldOf("READY=1\nSTATUS=")
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

// TestWarmCannotLoad answers while there is no application, and serves it when there is.
func TestWarmCannotLoad(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	app := filepath.Join(t.TempDir(), "app.py")
	for _, preload := range []string{"yes", "no"} {
		require.NoError(t, os.WriteFile(app, []byte("raise RuntimeError('no database')\n"), 0o600))
		u, p := warmUnit(t, python, "--workers", "2", "--preload", preload, app)
		got := u.get("/")
		assert.Equal(t, 500, got.status)
		assert.NotContains(t, got.body, "database")
		require.NoError(t, os.WriteFile(app, []byte("def application(e, s):\n    s('200 OK', [])\n    return [b'well']\n"), 0o600))
		assert.Eventually(t, func() bool { return u.get("/").body == "well" }, 60*time.Second, 50*time.Millisecond)
		log := p.stop(t)
		assert.Contains(t, log, "RuntimeError: no database")
	}
}

// edit replaces a file by one with that text, as an editor does. No two texts of a test have the
// same length: Python would take the compiled old one for the new one within a second.
func edit(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
	require.NoError(t, os.Rename(path+".new", path))
}

// watches counts the folders in which an adapter sees changes (proc(5), fdinfo).
func (p *process) watches(t *testing.T) (n int) {
	t.Helper()
	list, err := filepath.Glob("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/fdinfo/*")
	require.NoError(t, err)
	for _, path := range list {
		info, _ := os.ReadFile(path) // or it was closed meanwhile
		n += strings.Count(string(info), "inotify wd:")
	}
	return n
}

// TestWarmWatches changes modules of an application (--reload). It counts reloads, so it runs
// alone: on a busy machine the two steps of one edit may be seen apart.
func TestWarmWatches(t *testing.T) {
	for _, preload := range []string{"yes", "no"} {
		app := program(t, `
import sys
sys.path += ['DIR/early', 'DIR/late']
import early
def application(e, s):
    s('200 OK', [])
    if e['PATH_INFO'] == '/late':
        import late
        return [late.word]
    return [early.word]
`)
		dir := filepath.Dir(app)
		for _, name := range []string{"early", "late"} {
			require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
			edit(t, filepath.Join(dir, name, name+".py"), "word = b'1'\n")
		}
		early, late := filepath.Join(dir, "early", "early.py"), filepath.Join(dir, "late", "late.py")
		u, p := warmUnit(t, pythons(t)[0], "--workers", "1", "--preload", preload, "--reload", app)
		reloads := func() {
			t.Helper()
			u.toldOf("RELOADING=1")
			u.toldOf("READY=1")
		}
		edit(t, early, "word = b'22'\n")
		reloads()
		assert.Equal(t, "22", u.get("/").body)

		before := p.watches(t)
		assert.Equal(t, "1", u.get("/late").body)
		require.Eventually(t, func() bool { return p.watches(t) > before }, 60*time.Second, time.Millisecond, "what a request imports is watched, too")
		edit(t, late, "word = b'333'\n")
		reloads()
		assert.Equal(t, "333", u.get("/late").body)

		edit(t, early, "raise RuntimeError('broken')\n")
		reloads()
		assert.Equal(t, "22", u.get("/").body, "what works goes on")
		edit(t, early, "word = b'4444'\n")
		reloads()
		assert.Equal(t, "4444", u.get("/").body)
		edit(t, app, "application = = 5\n")
		reloads()
		assert.Equal(t, "4444", u.get("/").body)
		log := p.stop(t)
		assert.Equal(t, 1, strings.Count(log, "RuntimeError: broken"), log)
		assert.Equal(t, 1, strings.Count(log, "SyntaxError: "), log)
		assert.Equal(t, 3, strings.Count(log, "the application was reloaded\n"), log)
	}
}

// TestWarmWatchesBroken has an application that is broken from the start.
func TestWarmWatchesBroken(t *testing.T) {
	t.Parallel()
	for _, preload := range []string{"yes", "no"} {
		app := program(t, "import helper\ndef application(e, s):\n    s('200 OK', [])\n    return [helper.word]\n")
		helper := filepath.Join(filepath.Dir(app), "helper.py")
		edit(t, helper, "word = = 1\n")
		u, p := warmUnit(t, pythons(t)[0], "--workers", "1", "--preload", preload, "--reload", app)
		edit(t, helper, "word = b'mended'\n")
		u.toldOf("RELOADING=1")
		u.toldOf("READY=1")
		assert.Equal(t, "mended", u.get("/").body, "at once, not when it would be tried again")
		assert.Contains(t, p.stop(t), "SyntaxError: ")
	}
}

// TestWarmPath sends a request before the first client does (--warm-path).
func TestWarmPath(t *testing.T) {
	t.Parallel()
	app := program(t, `
import os
asked = []
def application(e, s):
    asked.append('%s %s?%s by %d' % (e['REQUEST_METHOD'], e['PATH_INFO'], e['QUERY_STRING'], os.getpid()))
    if e['PATH_INFO'] == '/fails':
        raise RuntimeError('cold')
    s('404 Not Found' if e['PATH_INFO'] == '/missing' else '200 OK', [])
    return [('%s, now in %d from %d' % (asked[0], os.getpid(), os.getppid())).encode()]
`)
	python := pythons(t)[0]
	for _, c := range []struct{ preload, path, asked, log string }{
		{"yes", "/warm?a=b", `^GET /warm\?a=b by (\d+), now in \d+ from (\d+)$`, ""},
		{"no", "/warm?a=b", `^GET /warm\?a=b by (\d+), now in (\d+) from \d+$`, ""},
		{"yes", "/fails", `^GET /fails\? by (\d+), now in \d+ from (\d+)$`, "RuntimeError: cold"},
		{"no", "/missing", `^GET /missing\? by (\d+), now in (\d+) from \d+$`, "the application responded with 404 Not Found"},
	} {
		u, p := warmUnit(t, python, "--workers", "1", "--preload", c.preload, "--warm-path", c.path, app)
		got := u.get("/")
		assert.Equal(t, 200, got.status)
		if found := regexp.MustCompile(c.asked).FindStringSubmatch(got.body); assert.NotNil(t, found, got.body) {
			assert.Equal(t, found[2], found[1], "by the process that has loaded it: %s", got.body)
		}
		log := p.stop(t)
		if assert.Contains(t, log, c.log); c.log != "" {
			assert.Contains(t, log, "warm-up request for "+c.path+": ")
		} else {
			assert.NotContains(t, log, "warm-up request")
		}
	}
}
