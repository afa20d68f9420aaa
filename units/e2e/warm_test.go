package e2e

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// warm sets an application up that stays, each with a name, a file and more flags.
func (s *site) warm(name, app string, flags ...string) {
	s.t.Helper()
	s.serve(name, app, "/"+name, append([]string{"--user", "www-data", "--mount", "/" + name, "--accept", "no", "--workers", "2"}, flags...)...)
}

// TestWarm serves the applications of the other tests from processes that stay.
func TestWarm(t *testing.T) {
	s := newSite(t)
	s.warm("article", "article.py")
	s.warm("flask", "flaskapp.py", "--profile", "strict")
	s.warm("fresh", "bad.py", "--max-requests", "1")
	s.warm("bad", "bad.py", "--timeout", "2s")
	assert.Equal(t, "Hello world!\n", s.get("/article").body)
	assert.Equal(t, "Hello world!\n", s.get("/article").body)
	assert.Equal(t, "Flask here", s.get("/flask/").body)
	assert.Equal(t, "Flask here", s.get("/flask/").body)
	assert.NotEqual(t, s.get("/fresh/pid").body, s.get("/fresh/pid").body)
	assert.Equal(t, "notify", strings.TrimSpace(s.Run("systemctl", "show", "-p", "Type", "--value", "bad.service")))
	assert.Equal(t, "good", s.get("/bad/").body)
	s.Wait("the status line", func() error {
		_, err := s.Try("sh", "-c", "systemctl show -p StatusText bad.service | grep -q ' served'")
		return err
	})
	s.Run("systemctl", "stop", "article", "flask", "fresh", "bad")
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
	s.noProcess("socketgi-adapter|python")
	assert.Equal(t, "good", s.get("/bad/").body, "the socket stays, and starts it again")
}

// TestWarmChanges reloads, stops and kills what serves, under requests.
func TestWarmChanges(t *testing.T) {
	s := newSite(t)
	says := func(word string) {
		s.Write("/srv/app.py.new", "def application(e, s):\n    s('200 OK', [])\n    return [b'"+word+"']\n")
		s.Run("mv", "/srv/app.py.new", "/srv/app.py")
	}
	require.NoError(t, os.WriteFile(s.Path("/srv/app.py"), nil, 0o644))
	says("one")
	s.place([]string{"app", "/srv/app.py", "--python", "/usr/bin/python3", "--user", "www-data", "--mount", "/app", "--accept", "no",
		"--workers", "2", "--max-requests", "50"}, []string{"app", "--mount", "/app"})
	s.start("app")
	over := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for {
				select {
				case <-over:
					return
				default:
					assert.Equal(t, 200, s.get("/app").StatusCode)
				}
			}
		}()
	}
	s.Wait("it to be ready", func() error { _, err := s.Try("systemctl", "is-active", "app"); return err })
	says("two")
	s.Run("systemctl", "reload", "app")
	s.Wait("the new one", func() error { // systemctl waits for the signal, and not for what comes of it
		if got := s.get("/app").body; got != "two" {
			return errors.New(got)
		}
		return nil
	})
	s.Write("/srv/app.py", "raise RuntimeError('broken')\n")
	s.Run("systemctl", "reload", "app")
	s.logged("app", map[string]string{"PRIORITY": "3"})
	assert.Equal(t, "two", s.get("/app").body, "what works goes on")
	says("three")
	s.Run("systemctl", "restart", "app")
	assert.Equal(t, "three", s.get("/app").body)
	for range 3 {
		s.Run("systemctl", "stop", "app") // whoever asks starts it again
		assert.Equal(t, "three", s.get("/app").body)
	}
	close(over)
	wg.Wait()
}

// TestWarmIdle has nothing running while nobody asks.
func TestWarmIdle(t *testing.T) {
	s := newSite(t)
	s.warm("app", "article.py", "--idle-exit", "20ms")
	for range 5 {
		assert.Equal(t, "Hello world!\n", s.get("/app").body)
		s.noProcess("socketgi-adapter|python")
	}
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
}
