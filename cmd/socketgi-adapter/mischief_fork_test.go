package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestForkedChild has children return from the application: they have no effect on the response.
func TestForkedChild(t *testing.T) {
	t.Parallel()
	eachMode(t, nil, func(t *testing.T, c *culprit) {
		for path, body := range map[string]string{
			"/fork_exit": "parent, child 0", "/fork_exit3": "parent, child 3", "/fork_exit_text": "parent, child 1",
			"/fork_raise": "parent, child 1", "/fork_return": "parent, child 0", "/fork_write": "parent, child 1",
			"/fork_twice": "parent, child 0", "/fork_libc": "parent, child 0", "/fork_thread": "parent, child 0",
			"/fork_yield": "one two", "/fork_in_close": "parent",
		} {
			got := c.says(body, path)
			assert.Equal(t, 1, strings.Count(got.log, " bytes "), "one record: %s", got.log)
			switch path {
			case "/fork_raise":
				assert.Equal(t, 1, strings.Count(got.log, "RuntimeError: on purpose"), got.log)
			case "/fork_exit_text":
				assert.Contains(t, got.log, "the child says so")
			}
			c.says("well", "/ok")
		}
		gate, open := gate(t)
		answer, logged := c.ask("/fork_late?" + gate)
		assert.True(t, strings.HasSuffix(answer, "\r\n\r\nparent"), answer)
		if c.mode == "warm" { // else it has ended with its parent
			open()
		}
		logged()
		c.says("well", "/ok")
	})
}

// TestForkedWhileLoading has a child come back to what loads the application.
func TestForkedWhileLoading(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"module": "", "script": "import inetd_scgi\n", "warm": "",
	} {
		t.Run(name, func(t *testing.T) {
			app := program(t, text+`
import atexit, os, sys
def application(e, s):
    s('200 OK', [])
    if e['PATH_INFO'] == '/warm':
        os.fork()
        return [b'']
    return [b'%d' % (os.waitpid(pid, 0)[1] >> 8)]
pid = os.fork()
atexit.register(lambda: os.write(2, b'ATEXIT\n'))
if 'inetd_scgi' in globals():
    inetd_scgi.run_app(application)
`)
			flags := []string{app}
			if name == "warm" {
				flags = []string{"--warm-path", "/warm", app}
			}
			eachMode(t, append([]string{"--preload", "no"}, flags...), func(t *testing.T, c *culprit) {
				log := c.says("0", "/").log
				assert.LessOrEqual(t, strings.Count(log, "ATEXIT"), 1, log)
			})
			if name == "module" {
				// Only the process that forks workers waits for its children.
				eachMode(t, []string{program(t, `
import os
pid = os.fork()
def application(e, s):
    s('200 OK', [])
    return [b'well']
`)}, func(t *testing.T, c *culprit) {
					for range 3 {
						c.says("well", "/")
					}
				})
			}
		})
	}
}

// TestLastingChild has a child keep all descriptors of its parent: the response ends all the
// same, and the child with its parent.
func TestLastingChild(t *testing.T) {
	t.Parallel()
	eachMode(t, nil, func(t *testing.T, c *culprit) {
		for path, body := range map[string]string{"/stay_fork": "parent", "/stay_libc": "parent", "/stay_process": "parent",
			"/stay_program": "parent", "/stay_pool": "7", "/fork_many": "parent", "/group_left": "parent"} {
			answer, logged := c.ask(path)
			assert.True(t, strings.HasSuffix(answer, "\r\n\r\n"+body), "%s: %s", path, answer)
			logged()
			c.says("well", "/ok")
		}
		if c.mode == "fresh" {
			c.few(3) // the adapter, the parent, and a worker
		}
	})
}

// TestReloadEndsGroups has the children of a worker end with it when the application is
// loaded again.
func TestReloadEndsGroups(t *testing.T) {
	t.Parallel()
	for _, preload := range []string{"yes", "no"} {
		inMode(t, "warm", []string{"--workers", "1", "--preload", preload}, func(t *testing.T, c *culprit) {
			c.says("well", "/ok")
			before := len(c.processes())
			c.says("parent", "/fork_many")
			assert.GreaterOrEqual(t, len(c.processes()), before+20)
			require.NoError(t, c.process.cmd.Process.Signal(syscall.SIGHUP))
			c.unit.toldOf("RELOADING=1")
			c.unit.toldOf("READY=1")
			c.few(before)
			c.says("well", "/ok")
		})
	}
}

// TestOrphansGroup has what a worker leaves end with it also when the process that it was forked
// from, which sees to that, is gone before.
func TestOrphansGroup(t *testing.T) {
	t.Parallel()
	if fd, err := unix.PidfdOpen(os.Getpid(), 0); assert.NoError(t, err) {
		defer unix.Close(fd)
		if unix.PidfdSendSignal(fd, 0, nil, 1<<2) == unix.EINVAL {
			t.Log("a kernel before 6.9 ends them with the service")
			return
		}
	}
	inMode(t, "warm", nil, func(t *testing.T, c *culprit) {
		pid, parent, _ := strings.Cut(c.get("/who").body, " ")
		before := len(c.processes())
		c.says("parent", "/orphan")
		c.says("parent", "/fork_many")
		require.NoError(t, syscall.Kill(atoi(t, pid), syscall.SIGKILL))
		c.few(before)
		now, other, _ := strings.Cut(c.get("/who").body, " ")
		assert.NotEqual(t, pid, now)
		assert.NotEqual(t, parent, other)
	})
}

// TestCutWithChild has a response break off while a child that was forked in it goes on: the client
// learns of that at once.
func TestCutWithChild(t *testing.T) {
	t.Parallel()
	eachMode(t, nil, func(t *testing.T, c *culprit) {
		answer, logged, err := c.attempt("/stay_cut")
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		assert.True(t, strings.HasSuffix(answer, "\r\n\r\nbegin"), answer)
		assert.Contains(t, logged(), "RuntimeError: on purpose")
		c.says("well", "/ok")
	})
}

// TestOtherGroup has a worker leave its process group: it is ended when its time is up, and
// replaced, and nobody else is ended.
func TestOtherGroup(t *testing.T) {
	t.Parallel()
	eachMode(t, []string{"--timeout", "2s"}, func(t *testing.T, c *culprit) {
		for _, path := range []string{"/group_parents", "/group_deaf", "/stopped"}[:few(3, 1)] {
			got := c.get(path)
			assert.Equal(t, 504, got.status, path)
			c.says("well", "/ok")
		}
	})
}

// TestForkHangs has a function hang that the application has given to os.register_at_fork: who
// asks is told when the time is up, and all is well again when it hangs no more.
func TestForkHangs(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"before", "after_in_parent", "after_in_child"} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			app := program(t, `
import os, time
def hang():
    while os.path.exists('DIR/hang'):
        time.sleep(0.01)
os.register_at_fork(`+where+`=hang)
def application(e, s):
    s('200 OK', [])
    return [b'well']
`)
			hang := filepath.Join(filepath.Dir(app), "hang")
			require.NoError(t, os.WriteFile(hang, nil, 0o600))
			u := newUnit(t, "--python", pythons(t)[0], "--workers", "2", "--timeout", "3s", "--queue-timeout", "1s", app)
			p := u.start()
			u.toldOf("READY=1")
			assert.Contains(t, []int{503, 504}, u.get("/").status)
			require.NoError(t, os.Remove(hang))
			require.Eventually(t, func() bool { return u.get("/").body == "well" }, 60*time.Second, 10*time.Millisecond)
			log := p.stop(t)
			if where != "after_in_child" {
				assert.Contains(t, log, "no worker was forked within 3s")
				assert.Contains(t, log, "os.register_at_fork")
			}
		})
	}
}
