package e2e

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// idleExit changes the idle time after which the adapter of an Accept=no unit exits, as systemctl edit does.
func (s *site) idleExit(p program, after string) {
	s.t.Helper()
	unit, err := os.ReadFile(s.Path("/etc/systemd/system/" + p.service()))
	require.NoError(s.t, err)
	_, command, _ := strings.Cut(string(unit), "\nExecStart=")
	command, _, _ = strings.Cut(command, "\n")
	adapter, rest, _ := strings.Cut(command, " ")
	s.dropIn(p, "[Service]\nExecStart=\nExecStart="+adapter+" --idle-exit "+after+" "+rest+"\n")
}

func (s *site) state(p program) string {
	out, _ := s.Try("systemctl", "is-active", p.service())
	return strings.TrimSpace(out)
}

// TestCGIListens checks an adapter that accepts connections: it notifies systemd when it is ready, completes
// requests when it is stopped, and is started again.
func TestCGIListens(t *testing.T) {
	s := newSite(t)
	s.script("/srv/cgi/gate", "printf 'Content-Type: text/plain\\n\\n'; until [ -e /srv/open/gate ]; do sleep 0.01; done; echo finished; echo $PPID")
	s.script("/srv/cgi/quick", "printf 'Content-Type: text/plain\\n\\n%s' $PPID")
	p := program{name: "no", accept: "no", flags: []string{"--user", "www-data"}, run: []string{"--cgi-root", "/srv/cgi"}}
	s.serveCGI(p)
	assert.Empty(t, s.Run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/no.socket", "/etc/systemd/system/no.service"))
	assert.Equal(t, "inactive", s.state(p), "it runs when somebody asks")
	s.Run("systemctl", "start", p.service()) // it returns when the adapter is ready
	assert.Equal(t, "active", s.state(p))
	assert.Equal(t, "notify\n", s.Run("systemctl", "show", "-p", "Type", "--value", p.service()))
	pid := strings.TrimSpace(s.Run("systemctl", "show", "-p", "MainPID", "--value", p.service()))
	assert.Equal(t, pid, s.get("/no/quick").body, "every request has the same adapter")
	assert.Equal(t, pid, s.get("/no/quick").body)

	answer := make(chan reply)
	go func() { answer <- s.get("/no/gate") }()
	s.under("sleep 0.01")
	stop := make(chan error)
	go func() {
		_, err := s.Try("systemctl", "stop", p.service())
		stop <- err
	}()
	s.Wait("it to be stopping", func() error {
		if state := s.state(p); state != "deactivating" {
			return errors.New(state)
		}
		return nil
	})
	// A new connection waits for the next adapter.
	next := make(chan reply)
	go func() { next <- s.get("/no/quick") }()
	s.Write("/srv/open/gate", "")
	got := <-answer
	assert.NoError(t, got.err)
	assert.Equal(t, "finished\n"+pid+"\n", got.body)
	require.NoError(t, <-stop)
	got = <-next
	assert.Equal(t, 200, got.StatusCode)
	assert.NotEqual(t, pid, got.body)
	assert.Regexp(t, `^\d+$`, got.body)
	s.noneLeft(p)

	// A killed adapter loses only its own requests.
	s.Run("rm", "/srv/open/gate")
	go func() { answer <- s.get("/no/gate") }()
	s.under("sleep 0.01")
	s.Run("systemctl", "kill", "-s", "KILL", "--kill-who", "main", p.service())
	got = <-answer
	assert.True(t, got.StatusCode == 502 || got.err != nil, "%d: %s", got.StatusCode, got.body)
	assert.Equal(t, 200, s.get("/no/quick").StatusCode)
	s.noneLeft(p)
}

// TestCGIIdleExit sends requests while the adapter exits as early as possible. No request is lost.
func TestCGIIdleExit(t *testing.T) {
	s := newSite(t)
	s.script("/srv/quick", "printf 'Content-Type: text/plain\\n\\n%s' $PPID")
	p := program{name: "no", accept: "no", flags: []string{"--user", "www-data"}, run: []string{"--cgi", "--", "/srv/quick"}}
	s.serveCGI(p)
	s.idleExit(p, "1ns") // at once without a connection
	adapters := map[string]bool{}
	var mu sync.Mutex
	seen := func(pid string) {
		mu.Lock()
		defer mu.Unlock()
		adapters[pid] = true
	}
	for i := range 40 { // one at a time, at all moments of the end of an adapter
		got := s.get("/no")
		require.Equal(t, 200, got.StatusCode)
		seen(got.body)
		time.Sleep(time.Duration(i) * 150 * time.Microsecond)
	}
	alone := len(adapters)
	assert.Greater(t, alone, 5, "adapters have left in between")
	var wg sync.WaitGroup
	for range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 40 {
				got := s.raw(p, scgi.Header{Name: "SERVER_NAME", Value: "localhost"})
				head, pid, _ := strings.Cut(got, "\r\n\r\n")
				assert.Contains(t, head, "Status: 200 OK")
				seen(pid)
			}
		}()
	}
	wg.Wait()
	t.Logf("40 requests had %d adapters, and 160 more %d", alone, len(adapters)-alone)
	s.Wait("it to have left", func() error {
		if state := s.state(p); state != "inactive" {
			return errors.New(state)
		}
		return nil
	})
	s.noneLeft(p)
	assert.Equal(t, "success\n", s.Run("systemctl", "show", "-p", "Result", "--value", p.service()))
}
