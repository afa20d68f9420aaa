package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// entries returns the journal of a unit pattern, oldest first.
func (s *site) entries(unit string) (entries []map[string]any) {
	s.t.Helper()
	// journalctl fails if the journal has no entry of such a unit.
	out, _ := s.Try("journalctl", "--no-pager", "--all", "-o", "json", "-u", unit)
	for line := range strings.Lines(out) {
		e := map[string]any{}
		if json.Unmarshal([]byte(line), &e) == nil && e["MESSAGE"] != nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// logged waits until the journal of the unit has an entry with these fields, and returns it.
func (s *site) logged(unit string, fields map[string]string) (entry map[string]any) {
	s.t.Helper()
	s.Wait(fmt.Sprintf("the journal of %s to have %v", unit, fields), func() error {
		all := s.entries(unit)
	next:
		for _, e := range all {
			for k, v := range fields {
				if e[k] != v {
					continue next
				}
			}
			entry = e
			return nil
		}
		return fmt.Errorf("%v", all)
	})
	return entry
}

// TestFaults requests each fault that an application can have.
func TestFaults(t *testing.T) { eachUnit(t, testFaults) }

func testFaults(t *testing.T, flags ...string) {
	s := newSite(t)
	flags = append(flags, "--user", "www-data", "--timeout", "2s")
	s.serve("bad", "bad.py", "/bad", flags...)
	for _, c := range []struct {
		path   string
		status int
		log    string
	}{
		{"raise", 500, "RuntimeError: secret detail"},
		{"exit", 500, "sys.exit(3)"},
		{"die", 502, "exited with status 7"},
		{"kill", 502, "SIGKILL"},
		{"segv", 502, "died of SIGSEGV"},
		{"nothing", 500, "without calling start_response"},
		{"hang", 504, "after 2s"},
	} {
		t.Run(c.path, func(t *testing.T) {
			got := s.get("/bad/" + c.path)
			assert.Equal(t, c.status, got.StatusCode)
			assert.NotContains(t, got.body, "secret")
			assert.NotContains(t, got.body, "/srv")
			id := got.Header.Get("Socketgi-Request-Id")
			require.Regexp(t, `^[0-9a-f]{32}$`, id, "%s", got.body)
			assert.Contains(t, got.body, "request "+id+".")
			problem := s.logged(s.journal("bad"), map[string]string{"SOCKETGI_REQUEST_ID": id, "PRIORITY": "3"})
			assert.Contains(t, problem["MESSAGE"], c.log)
			record := s.logged(s.journal("bad"), map[string]string{"SOCKETGI_REQUEST_ID": id, "SOCKETGI_STATUS": fmt.Sprint(c.status)})
			assert.Equal(t, "/bad/"+c.path, record["SOCKETGI_PATH"])
		})
	}
	t.Run("midway", func(t *testing.T) {
		got := s.get("/bad/midway")
		assert.Equal(t, 200, got.StatusCode)
		assert.Error(t, got.err, "the client can tell that the response isn't whole")
	})
	t.Run("short", func(t *testing.T) {
		assert.Error(t, s.get("/bad/short").err)
	})
	t.Run("printed", func(t *testing.T) {
		assert.Equal(t, "good", s.get("/bad/").body)
		s.logged(s.journal("bad"), map[string]string{"MESSAGE": "printed, and not in the response"})
	})
	out, _ := s.Try("pgrep", "sleep")
	assert.Empty(t, out, "the children of a worker that took too long are gone")
	s.allEnded("bad")

	s.serve("unloadable", "unloadable.py", "/unloadable", flags...)
	got := s.get("/unloadable/")
	assert.Contains(t, []int{500, 503}, got.StatusCode) // 503: loading is tried again later
	assert.NotContains(t, got.body, "no_such_module")
	s.Wait("the traceback", func() error {
		for _, e := range s.entries(s.journal("unloadable")) {
			if text, _ := e["MESSAGE"].(string); strings.Contains(text, "No module named 'no_such_module_anywhere'") {
				assert.Contains(t, text, `File "/srv/unloadable.py", line 1`)
				assert.NotContains(t, text, "<socketgi>", "the runtime's own frames are left out")
				return nil
			}
		}
		return fmt.Errorf("not logged")
	})
	s.allEnded("unloadable")
}

// TestRecord checks the record of a request, and what it omits.
func TestRecord(t *testing.T) {
	t.Run("each", func(t *testing.T) { testRecord(t) })
	t.Run("stays", func(t *testing.T) { testRecord(t, "--accept", "no") })
}

func testRecord(t *testing.T, flags ...string) {
	s := newSite(t)
	s.serve("app", "article.py", "/app", append(flags, "--user", "www-data")...)
	got := s.get("/app/x?token=geheim1", "Cookie", "session=geheim2", "Authorization", "Basic geheim3")
	assert.Equal(t, 200, got.StatusCode)
	e := s.logged(s.journal("app"), map[string]string{"SOCKETGI_PATH": "/app/x"})
	assert.Equal(t, "GET", e["SOCKETGI_METHOD"])
	assert.Equal(t, "200", e["SOCKETGI_STATUS"])
	assert.Equal(t, "13", e["SOCKETGI_BYTES"])
	assert.Equal(t, "5", e["PRIORITY"])
	assert.Regexp(t, `^[0-9a-f]{32}$`, e["SOCKETGI_REQUEST_ID"])
	for _, name := range []string{"SOCKETGI_MS", "SOCKETGI_CPU_MS", "SOCKETGI_QUEUE_MS"} {
		assert.Regexp(t, `^[0-9]+\.[0-9]$`, e[name], name)
	}
	if s.listening["app"] {
		assert.Regexp(t, `^[0-9]+\.[0-9]$`, e["SOCKETGI_SERVICE_MS"])
		assert.Regexp(t, `^[0-9]+$`, e["SOCKETGI_MEMORY_GROWTH"])
		assert.Regexp(t, `^GET /app/x 200 13 bytes [0-9.]+ ms, [0-9.]+ ms CPU, \+[0-9]+ KiB$`, e["MESSAGE"])
	} else {
		assert.Regexp(t, `^[1-9][0-9]{6,}$`, e["SOCKETGI_PEAK_MEMORY"])
		assert.Regexp(t, `^GET /app/x 200 13 bytes [0-9.]+ ms, [0-9.]+ ms CPU, [0-9]+ MiB$`, e["MESSAGE"])
	}
	assert.NotContains(t, s.Run("journalctl", "--no-pager", "-o", "json"), "geheim")
	s.allEnded("app")
}

// TestMany sends fifty requests at once, and checks that all are answered and logged.
func TestMany(t *testing.T) {
	s := newSite(t)
	s.serve("app", "article.py", "/app", "--user", "www-data")
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			got := s.get(fmt.Sprintf("/app/%d", i))
			assert.Equal(t, 200, got.StatusCode)
			assert.Equal(t, "Hello world!\n", got.body)
		}()
	}
	wg.Wait()
	s.allEnded("app")
	seen := map[any]bool{}
	for _, e := range s.entries("app@*") {
		seen[e["SOCKETGI_PATH"]] = true
	}
	for i := range 50 {
		assert.True(t, seen[fmt.Sprintf("/app/%d", i)], "request %d is in the journal of its unit", i)
	}
}

// TestClientLeaves closes the connection while the application sends a response.
func TestClientLeaves(t *testing.T) {
	s := newSite(t)
	s.serve("bad", "bad.py", "/bad", "--user", "www-data")
	resp, err := s.client.Get("http://localhost/bad/wait")
	require.NoError(t, err)
	_, err = resp.Body.Read(make([]byte, 1000))
	require.NoError(t, err)
	resp.Body.Close()
	s.Wait("the iterable to be closed", func() error {
		_, err := os.Stat(s.Path("/srv/open/closed"))
		return err
	})
	s.logged("bad@*", map[string]string{"SOCKETGI_STATUS": "499"})
	s.allEnded("bad")
}

// TestKilled kills an application during a request.
func TestKilled(t *testing.T) {
	s := newSite(t)
	s.serve("bad", "bad.py", "/bad", "--user", "www-data")
	answer := make(chan reply)
	go func() { answer <- s.get("/bad/hang") }()
	s.Wait("the application to be killed", func() error {
		_, err := s.Try("pkill", "-KILL", "sleep") // its child process shows that it runs
		return err
	})
	s.Run("pkill", "-KILL", "python3")
	assert.Equal(t, 502, (<-answer).StatusCode)

	go func() { answer <- s.get("/bad/hang") }()
	s.Wait("the request to be under way", func() error { _, err := s.Try("pgrep", "sleep"); return err })
	s.Run("systemctl", "stop", "bad@*")
	got := <-answer
	assert.Equal(t, 503, got.StatusCode, "stopping an instance is not the application's fault")
	assert.Equal(t, "5", got.Header.Get("Retry-After"))
	s.allEnded("bad")
}
