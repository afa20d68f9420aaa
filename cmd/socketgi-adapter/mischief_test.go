package main

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// This file asks an application for what it can do to itself, its descriptors and its
// processes (testdata/mischief.py), in every mode in which it can be run. What is looked at
// is what a client sees, and the table of processes.

// modes are the ways to run an application: for one connection, for one request in each
// process that was forked ahead, and for one request after the other.
var modes = map[string][]string{
	"single": nil,
	"fresh":  {"--max-requests", "1"},
	"warm":   nil,
}

// culprit is an application in one of the modes.
type culprit struct {
	*invocation
	mode string
	mark string // all its processes have it in their environment
}

// eachMode runs a test in every mode. When it is over, no process may be left.
func eachMode(t *testing.T, flags []string, test func(t *testing.T, c *culprit)) {
	for mode, more := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			inMode(t, mode, append(more[:len(more):len(more)], flags...), test)
		})
	}
}

func inMode(t *testing.T, mode string, flags []string, test func(t *testing.T, c *culprit)) {
	t.Helper()
	if n := len(flags); n == 0 || !strings.HasSuffix(flags[n-1], ".py") {
		flags = append(flags, "testdata/mischief.py")
	}
	c := &culprit{mode: mode, mark: "MISCHIEF=" + t.TempDir()}
	c.invocation = &invocation{t: t, args: append([]string{"--python", pythons(t)[0]}, flags...), env: []string{c.mark}, stays: mode != "single"}
	test(t, c)
	if p := c.process; p != nil {
		c.end()
		log := p.stderr.String()
		assert.NotContains(t, log, "panic")
		assert.NotContains(t, log, "DATA RACE")
	}
	c.few(0)
}

// processes lists those of the application and of its adapter.
func (c *culprit) processes() (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		if env, _ := os.ReadFile(file); strings.Contains(string(env), c.mark+"\x00") {
			dir := filepath.Dir(file)
			line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			list = append(list, filepath.Base(dir)+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}

// few waits until no more processes than that are there.
func (c *culprit) few(most int) {
	c.t.Helper()
	var list []string
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if list = c.processes(); len(list) <= most {
			return
		}
		if time.Now().After(end) {
			require.Fail(c.t, "processes are left", "%d, and %d may be: %s", len(list), most, strings.Join(list, "\n"))
		}
	}
}

// says asks for a path, which is answered with that.
func (c *culprit) says(body, path string) reply {
	c.t.Helper()
	got := c.get(path)
	assert.NoError(c.t, got.err, path)
	assert.Equal(c.t, 200, got.status, "%s: %s", path, got.log)
	assert.Equal(c.t, body, got.body, path)
	return got
}

// ask asks for a path, and returns all that is sent, which ends when the response does. Logged waits
// for the record of it.
func (c *culprit) ask(path string) (answer string, logged func() string) {
	c.t.Helper()
	answer, logged, err := c.attempt(path)
	assert.NoError(c.t, err, path)
	return answer, logged
}

func (c *culprit) attempt(path string) (answer string, logged func() string, err error) {
	c.t.Helper()
	conn, logged := c.connect()
	defer conn.Close()
	require.NoError(c.t, conn.SetDeadline(time.Now().Add(60*time.Second)))
	path, query, _ := strings.Cut(path, "?")
	request, err := scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"},
		{Name: "REQUEST_URI", Value: path}, {Name: "QUERY_STRING", Value: query}})
	require.NoError(c.t, err)
	_, err = conn.Write(request)
	require.NoError(c.t, err)
	data, err := io.ReadAll(conn)
	return string(data), logged, err
}

// TestForkedChild has children come back from the application: nobody hears of them.
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
			assert.Equal(t, 1, strings.Count(got.log, " ms CPU, "), "one record: %s", got.log)
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
				// The children of a process that forks workers are nobody's to wait for but its own.
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

// TestStayingChild has a child keep all descriptors of its parent: the response ends all the
// same, and the child with its parent.
func TestStayingChild(t *testing.T) {
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
			c.few(3) // the adapter, what forks, and who waits
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

// TestCutWithChild has a response break off while a child stays that was forked in it: the client
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

// TestStandardDescriptors closes those that every program has: nobody's connection gets their
// numbers, and what is printed is in the log.
func TestStandardDescriptors(t *testing.T) {
	t.Parallel()
	eachMode(t, nil, func(t *testing.T, c *culprit) {
		for _, path := range []string{"/close1", "/close012"} {
			c.says("parent", path)
			got := c.says("log log", "/printed")
			assert.Contains(t, got.log, "TOLD")
			assert.Contains(t, got.log, "SAID")
		}
	})
	// An application that has none from the beginning.
	eachMode(t, []string{program(t, `
import os, stat, sys
os.closerange(0, 3)
def application(e, s):
    print('SAID', flush=True)
    s('200 OK', [])
    return [b'%d' % any(stat.S_ISSOCK(os.fstat(fd).st_mode) for fd in (0, 1, 2))]
`)}, func(t *testing.T, c *culprit) {
		assert.Contains(t, c.says("0", "/").log, "SAID")
	})
}

// TestClosedConnection closes the connection's descriptor before there is a response: as nothing was
// sent, the client is told.
func TestClosedConnection(t *testing.T) {
	t.Parallel()
	eachMode(t, nil, func(t *testing.T, c *culprit) {
		for _, path := range []string{"/close_connection", "/close_connection_large"} {
			got := c.get(path)
			assert.NoError(t, got.err)
			assert.Equal(t, 500, got.status)
			assert.Contains(t, got.log, "the application has closed the descriptor of the connection")
			c.says("well", "/ok")
		}
		assert.Equal(t, 502, c.try("/close_all"))
		c.says("well", "/ok")
	})
}

// TestDescriptorsUsedUp has a worker that can't receive another request, and doesn't end: the request
// is none of its, and another one answers it.
func TestDescriptorsUsedUp(t *testing.T) {
	t.Parallel()
	app := program(t, `
import os, resource, threading
def application(e, s):
    s('200 OK', [])
    if e['PATH_INFO'] == '/leak':
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
        threading.Thread(target=threading.Event().wait).start()
    return [b'%d' % os.getpid()]
`)
	inMode(t, "warm", []string{"--workers", "1", app}, func(t *testing.T, c *culprit) {
		first := c.get("/").body
		c.says(first, "/leak")
		got := c.get("/")
		assert.NoError(t, got.err)
		assert.Equal(t, 200, got.status)
		assert.NotEqual(t, first, got.body)
		assert.Contains(t, got.log, "the application has opened too many files")
	})
}

// TestNobodyForgotten has workers go deaf while requests wait in their sockets: each is answered.
func TestNobodyForgotten(t *testing.T) {
	t.Parallel()
	app := program(t, `
import resource
def application(e, s):
    s('200 OK', [])
    if e['PATH_INFO'] == '/leak':
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    return [b'well']
`)
	inMode(t, "warm", []string{"--workers", "1", app}, func(t *testing.T, c *culprit) {
		c.says("well", "/")
		var clients sync.WaitGroup
		stop := make(chan struct{})
		for range 4 {
			clients.Add(1)
			go func() {
				defer clients.Done()
				for {
					select {
					case <-stop:
						return
					default:
					}
					if got := c.unit.get("/"); !assert.Equal(t, "well", got.body) {
						return
					}
				}
			}()
		}
		for range few(200, 20) {
			_ = c.unit.get("/leak")
		}
		close(stop)
		clients.Wait()
	})
}

// TestHangsBeforeRequest has a worker receive a request, and hang before it begins with it: what is known
// of the response to the last one isn't known of this one's.
func TestHangsBeforeRequest(t *testing.T) {
	t.Parallel()
	app := program(t, `
import sys, time
def hang(frame, event, arg):
    if frame.f_code.co_name == 'complete_environ':
        time.sleep(300)
def application(e, s):
    s('200 OK', [])
    if e['PATH_INFO'] == '/trace':
        sys.settrace(hang)
    return [b'well']
`)
	inMode(t, "warm", []string{"--workers", "1", "--timeout", "2s", app}, func(t *testing.T, c *culprit) {
		c.says("well", "/trace")
		got := c.get("/")
		assert.NoError(t, got.err)
		assert.Equal(t, 504, got.status)
		c.says("well", "/")
	})
}

// TestLateWrite keeps what a request was given, and uses it when another one is served.
func TestLateWrite(t *testing.T) {
	t.Parallel()
	app := program(t, `
import os, threading
kept = []
said = []
go = threading.Event()
def attempt(name, f):
    try:
        f()
        said.append(name + ' passed')
    except Exception as e:
        said.append('%s %s: %s' % (name, type(e).__name__, e))
def late():
    go.wait()
    for write, start_response, environ, wrapper in kept:
        attempt('write', lambda: write(b'LATE'))
        attempt('start_response', lambda: start_response('200 OK', [('X-Late', 'LATE')]))
        attempt('write', lambda: write(b'LATE'))
        attempt('exc_info', lambda: start_response('200 OK', [], (ValueError, ValueError('late'), None)))
        attempt('input', lambda: environ['wsgi.input'].read())
        attempt('errors', lambda: environ['wsgi.errors'].write('LATE\n'))
        attempt('file_wrapper', lambda: list(wrapper))
def application(e, s):
    path = e['PATH_INFO']
    if path == '/keep':
        wrapper = e['wsgi.file_wrapper'](open(__file__, 'rb'))
        kept.append((s('200 OK', []), s, e, wrapper))
        return iter([b'first'])
    if path == '/keep-headless':
        # Nothing was sent when it is kept: the head would come first.
        def body():
            kept.append((s('500 Late', []), s, e, []))
            raise ValueError('on purpose')
            yield
        return body()
    thread = threading.Thread(target=late)
    thread.start()
    go.set()
    thread.join()
    s('200 OK', [('X-Second', 'yes')])
    return [b'second']
`)
	inMode(t, "warm", []string{"--workers", "1", app}, func(t *testing.T, c *culprit) {
		c.says("first", "/keep")
		assert.Equal(t, 500, c.get("/keep-headless").status)
		answer, logged := c.ask("/")
		assert.True(t, strings.HasPrefix(answer, "Status: 200 OK\r\nX-Second: yes\r\n"), answer)
		assert.NotContains(t, answer, "LATE")
		assert.True(t, strings.HasSuffix(answer, "\r\n\r\nsecond"), answer)
		logged()
	})
	// Where a process serves no other request, too, there is nothing that a late write is part of.
	eachMode(t, []string{program(t, `
import sys
class Body:
    def __init__(self, write):
        self.write = write
    def __iter__(self):
        return iter([b'first'])
    def close(self):
        try:
            self.write(b'LATE')
        except Exception as e:
            print('%s: %s' % (type(e).__name__, e), file=sys.stderr)
def application(e, s):
    return Body(s('200 OK', []))
`)}, func(t *testing.T, c *culprit) {
		assert.Contains(t, c.says("first", "/").log, "RuntimeError: the response is over")
	})
}

// TestLateWriterBlocked has a thread wait in write for a client that doesn't read, while the
// request ends: what it writes goes to no other, and holds nobody up.
func TestLateWriterBlocked(t *testing.T) {
	t.Parallel()
	app := program(t, `
import threading
writing = threading.Event()
def application(e, s):
    if e['PATH_INFO'] == '/':
        s('200 OK', [])
        return [b'well']
    write = s('200 OK', [])
    write(b'begin ')
    def late():
        writing.set()
        write(b'LATE' * (1 << 20))
    threading.Thread(target=late, daemon=True).start()
    writing.wait()
    raise ValueError('on purpose')
`)
	inMode(t, "warm", []string{"--workers", "1", app}, func(t *testing.T, c *culprit) {
		conn, logged := c.connect()
		defer conn.Close()
		_, err := conn.Write(wire(t, "GET", "/late"))
		require.NoError(t, err)
		assert.Contains(t, logged(), "ValueError: on purpose")
		c.says("well", "/")
	})
}

// TestLargestJob sends the largest requests that are possible.
func TestLargestJob(t *testing.T) {
	t.Parallel()
	app := program(t, `
def application(e, s):
    n = len(e['wsgi.input'].read())
    s('200 OK', [])
    return [b'%d %d %d' % (len(e['PATH_INFO']), len(e.get('HTTP_X_LARGE', '')), n)]
`)
	eachMode(t, []string{"--max-header", "128K", app}, func(t *testing.T, c *culprit) {
		for _, path := range []int{10, 31000, 60000} {
			for _, header := range []int{0, 70000} {
				for _, body := range []int{0, 63000, 70000} {
					what := strconv.Itoa(path) + " " + strconv.Itoa(header) + " " + strconv.Itoa(body)
					conn, logged := c.connect()
					require.NoError(t, conn.SetDeadline(time.Now().Add(60*time.Second)))
					request, err := scgi.AppendRequest(nil, int64(body), []scgi.Header{{Name: "REQUEST_METHOD", Value: "POST"},
						{Name: "REQUEST_URI", Value: "/"}, {Name: "PATH_INFO", Value: "/" + strings.Repeat("\xe4", path-1)},
						{Name: "HTTP_X_LARGE", Value: strings.Repeat("\xfc", header)}})
					require.NoError(t, err)
					_, err = conn.Write(append(request, make([]byte, body)...))
					require.NoError(t, err)
					answer, err := io.ReadAll(conn)
					require.NoError(t, err)
					conn.Close()
					assert.Contains(t, string(answer), "\r\n\r\n"+what, "%.300s", answer)
					logged()
				}
			}
		}
	})
}

// TestLies has an application write whatever it likes to what it shares with the adapter.
func TestLies(t *testing.T) {
	t.Parallel()
	eachMode(t, []string{"--timeout", "20s"}, func(t *testing.T, c *culprit) {
		for _, path := range []string{"/truncate", "/scribble", "/close_jobs", "/lies", "/flood"} {
			_ = c.try(path)
			c.says("well", "/ok")
		}
	})
	// What workers are forked from says it, too: the adapter asks that for processes.
	eachMode(t, []string{"--timeout", "20s", program(t, `
import os, socket
jobs = socket.socket(fileno=os.dup(3))
def lie():
    for message in b'', b'P 0', b'X 1 0 0 0', b'P 1', b'N', b'P -1', b'P %d' % os.getppid(), b'X %d 0 0 0' % os.getppid(), b'R', b'P':
        jobs.send(message, socket.MSG_DONTWAIT)
os.register_at_fork(after_in_parent=lie)
def application(e, s):
    s('200 OK', [])
    return [b'well']
`)}, func(t *testing.T, c *culprit) {
		for range 5 {
			_ = c.try("/") // some workers are lost by that
		}
	})
}

// try asks for a path, whatever becomes of it, and returns the status, 0 where there is none.
func (c *culprit) try(path string) int {
	c.t.Helper()
	answer, logged, _ := c.attempt(path)
	logged()
	var status int
	_, _ = fmt.Sscanf(answer, "Status: %d", &status)
	return status
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

// mischief is what an application can do to itself, with what its client may see of that: nil
// stands for 200, 0 for no head at all. Python knows nothing of a fork by the C library: the child
// may wait for ever for a lock that another thread had.
var mischief = map[string][]int{
	"fork_exit": nil, "fork_exit3": nil, "fork_exit_text": nil, "fork_raise": nil, "fork_return": nil, "fork_write": nil,
	"fork_twice": nil, "fork_libc": {200, 504}, "fork_thread": nil, "fork_yield": nil, "fork_in_close": nil, "fork_many": nil,
	"stay_cut": {200}, "stay_fork": nil, "stay_libc": nil, "stay_process": nil, "stay_program": nil, "stay_pool": nil,
	"group_parents": {504}, "group_deaf": {504}, "group_left": nil, "stopped": {504}, "killed": {502}, "terminated": {502},
	"group_killed": {502}, "segfault": {500, 502}, "aborted": {502}, "exited": {502}, "alarm": {502}, "execs": {502},
	"execs_sleep": {502, 504}, "orphan": nil, "sigchld": nil, "interrupt": {500}, "close1": nil, "close012": nil,
	"close_all": {502}, "close_connection": {500}, "close_connection_large": {500}, "close_jobs": {200, 502, 0}, "leak": nil, "no_streams": nil, "gone_folder": nil,
	"truncate": nil, "scribble": {200, 502}, "flood": nil, "lies": {200, 500, 502, 504, 0}, "nothing": {500},
}

// TestTortureMischief does all of it, again and again: the next request is served, and nothing
// is left over.
func TestTortureMischief(t *testing.T) {
	t.Parallel()
	eachMode(t, []string{"--timeout", "5s", "--workers", "2"}, func(t *testing.T, c *culprit) {
		c.says("well", "/ok")
		processes, files := 0, 0
		count := func() int {
			if c.process == nil {
				return 0
			}
			return descriptors(t, c.process)
		}
		if c.stays {
			c.few(4) // the adapter, what forks, and two who wait
			processes, files = 4, count()
		}
		paths := slices.Collect(maps.Keys(mischief))
		rand.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		rounds := 1
		if torture {
			rounds = 3
		}
		for range rounds {
			for _, path := range paths[:few(len(paths), 5)] {
				want := mischief[path]
				if want == nil {
					want = []int{200}
				}
				got := c.try("/" + path + "?" + filepath.Join(t.TempDir(), "x"))
				assert.Contains(t, want, got, path)
				for range 3 {
					c.says("well", "/ok")
				}
				if c.mode != "warm" {
					c.few(processes)
				}
			}
		}
		for end := time.Now().Add(60 * time.Second); count() > files+4 && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		assert.LessOrEqual(t, count(), files+4, "of the adapter")
	})
}
