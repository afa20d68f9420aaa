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

// warm sets up a warm application with a name, a file and further flags.
func (s *site) warm(name, app string, flags ...string) {
	s.t.Helper()
	s.serve(name, app, "/"+name, append([]string{"--user", "www-data", "--mount", "/" + name, "--accept", "no", "--workers", "2"}, flags...)...)
}

// TestWarm serves the applications of the other tests with warm workers.
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

// TestWarmChanges reloads, stops and kills the service during requests.
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
	assert.Equal(t, "two", s.get("/app").body, "it is there when the command is over")
	s.Write("/srv/app.py", "raise RuntimeError('broken')\n")
	out, err := s.Try("systemctl", "reload", "app")
	assert.Error(t, err, "%s", out)
	s.logged("app", map[string]string{"PRIORITY": "3"})
	s.Wait("the reason", func() error {
		if log := s.Run("journalctl", "-o", "cat", "-u", "app"); !strings.Contains(log, "the reload failed: RuntimeError: broken\n") {
			return errors.New(log)
		}
		return nil
	})
	assert.Equal(t, "active", strings.TrimSpace(s.Run("systemctl", "is-active", "app")))
	assert.Equal(t, "two", s.get("/app").body, "what works goes on")
	says("three")
	s.Run("systemctl", "restart", "app")
	assert.Equal(t, "three", s.get("/app").body)
	for range 3 {
		s.Run("systemctl", "stop", "app") // the next request starts it again
		assert.Equal(t, "three", s.get("/app").body)
	}
	close(over)
	wg.Wait()
}

// TestWarmReleases changes the link to the newest release, in every sandbox.
func TestWarmReleases(t *testing.T) {
	s := newSite(t)
	for _, n := range []string{"1", "2"} {
		s.Run("install", "-d", "/srv/releases/"+n+"/shop")
		s.Write("/srv/releases/"+n+"/word", n)
		s.Write("/srv/releases/"+n+"/shop/__init__.py", "")
		s.Write("/srv/releases/"+n+"/shop/settings.py", "word = '"+n+"'\n")
		s.Write("/srv/releases/"+n+"/shop/wsgi.py", "from shop.settings import word\n"+
			"def application(e, s):\n    s('200 OK', [])\n    return [(word + open('word').read()).encode()]\n")
	}
	s.Run("ln", "-s", "releases/1", "/srv/current")
	names := []string{}
	for profile, app := range map[string]string{"none": "/srv/current/shop/wsgi.py", "fast": "shop.wsgi", "strict": "/srv/current/shop/wsgi.py"} {
		units := s.Run("sh", "-c", "cd /srv/current && exec /usr/local/bin/socketgi units "+profile+" "+app+
			" --python /usr/bin/python3 --user www-data --mount /"+profile+" --accept no --workers 1 --profile "+profile)
		s.install(units)
		s.Write("/etc/nginx/apps/"+profile+".conf", s.Run("/usr/local/bin/socketgi", "nginx", profile, "--mount", "/"+profile))
		names = append(names, profile)
	}
	s.start(names...)
	for _, name := range names {
		assert.Equal(t, "11", s.get("/"+name).body, name)
	}
	s.Run("sh", "-c", "ln -s releases/2 /srv/new && mv -T /srv/new /srv/current && rm -r /srv/releases/1")
	for _, name := range names {
		s.Run("systemctl", "reload", name)
		assert.Equal(t, "22", s.get("/"+name).body, name)
	}
}

// TestWarmIdle checks that no process runs without requests.
func TestWarmIdle(t *testing.T) {
	s := newSite(t)
	s.warm("app", "article.py", "--idle-exit", "20ms")
	for range 5 {
		assert.Equal(t, "Hello world!\n", s.get("/app").body)
		s.noProcess("socketgi-adapter|python")
	}
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
}

// TestTakesOver has a worker exceed the timeout with each profile: the adapter answers.
func TestTakesOver(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/slow.py", "import time\ndef application(e, s):\n    if e['PATH_INFO'] == '/hang':\n        time.sleep(1000)\n"+
		"    s('200 OK', [])\n    return [b'well']\n")
	for _, profile := range []string{"none", "fast", "strict"} {
		s.place([]string{profile, "/srv/slow.py", "--python", "/usr/bin/python3", "--user", "www-data", "--mount", "/" + profile, "--accept", "no",
			"--workers", "1", "--profile", profile, "--timeout", "2s"}, []string{profile, "--mount", "/" + profile})
		s.start(profile)
		assert.Equal(t, "well", s.get("/"+profile+"/").body)
		assert.Equal(t, 504, s.get("/"+profile+"/hang").StatusCode, profile)
		assert.Equal(t, "well", s.get("/"+profile+"/").body)
	}
}
