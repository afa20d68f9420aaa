package main

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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

// TestClosedConnection closes the connection's descriptor before there is a response: the client is told by the
// adapter, or the web server.
func TestClosedConnection(t *testing.T) {
	t.Parallel()
	eachMode(t, nil, func(t *testing.T, c *culprit) {
		c.says("well", "/ok")
		for _, path := range []string{"/close_connection", "/close_connection_large"} {
			if c.mode == "single" { // the adapter has the connection, too
				got := c.get(path)
				assert.NoError(t, got.err)
				assert.Equal(t, 500, got.status)
				assert.Contains(t, got.log, "the application has closed the descriptor of the connection")
			} else {
				// A web server makes the end of the connection a 502; where the adapter had read the request, it answers.
				got := c.unit.do("GET", path, nil)
				assert.True(t, got.err != nil || got.status == 500, "%d", got.status)
				require.Eventually(t, func() bool {
					return strings.Contains(c.process.stderr.String()[c.read:], "the application has closed the descriptor of the connection")
				}, 60*time.Second, time.Millisecond)
			}
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
