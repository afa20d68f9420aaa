package main

import (
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
		assert.Contains(t, c.says("first", "/").log, "RuntimeError: the response is complete")
	})
}

// TestLateWriterBlocked has a thread wait in write for a client that doesn't read, while the
// request ends: its output goes to no other response, and delays none.
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
	// The process that forks workers reports it, too.
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
