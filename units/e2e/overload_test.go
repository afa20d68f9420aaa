package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// byHand is the set-up of 2011: the defaults of systemd, and a script that reads its request from standard
// input.
var byHand = map[string]string{
	"byhand.socket":   "[Socket]\nListenStream=/run/byhand.sock\nAccept=yes\n",
	"byhand@.service": "[Service]\nExecStart=/srv/by_hand_hello.py\nUser=www-data\nStandardInput=socket\n",
}

// wave opens n connections at once, each with a request, and counts the results: by status, "dropped" without
// a response, "refused", or "hung".
func wave(t testing.TB, path string, n int, ended func()) map[string]int {
	t.Helper()
	request, err := scgi.AppendRequest(nil, 0, []scgi.Header{
		{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "REQUEST_URI", Value: "/"}, {Name: "HTTP_HOST", Value: "h"}})
	require.NoError(t, err)
	counts := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			how := ask(path, request)
			mu.Lock()
			counts[how]++
			mu.Unlock()
		}()
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for ended != nil {
		select {
		case <-done:
			ended = nil
		default:
			ended()
		}
	}
	<-done
	return counts
}

// ask sends a request, and returns its result.
func ask(path string, request []byte) string {
	c, err := net.Dial("unix", path)
	if err != nil {
		return "refused"
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * time.Minute))
	_, _ = c.Write(request) // if the connection is closed, reading fails
	answer, err := io.ReadAll(c)
	status, found := bytes.CutPrefix(answer, []byte("Status: "))
	switch {
	case os.IsTimeout(err):
		return "hung"
	case !found || len(status) < 3 || !bytes.Contains(answer, []byte("\r\n\r\n")):
		return "dropped"
	case bytes.HasPrefix(status, []byte("503")) && !bytes.Contains(answer, []byte("Retry-After: ")):
		return "503 without Retry-After"
	}
	return string(status[:3])
}

// storm sends a wave to an application, and queries systemd meanwhile. It returns the longest time of a
// query.
func (s *site) storm(name string, n int) (counts map[string]int, slowest time.Duration) {
	s.t.Helper()
	tick := time.NewTicker(100 * time.Millisecond) // the queries must not be the load
	defer tick.Stop()
	counts = wave(s.t, s.Path("/run/socketgi/"+name+".sock"), n, func() {
		asked := <-tick.C
		_, _ = s.Try("systemctl", "is-system-running") // whatever the result is
		slowest = max(slowest, time.Since(asked).Round(time.Millisecond))
	})
	return counts, slowest
}

// TestTortureOverload sends more requests at once than there are slots, repeatedly, and compares with the
// set-up of 2011.
func TestTortureOverload(t *testing.T) {
	at, waves, size, memory := 300, 2, 20, int64(1)<<30
	if torture() {
		at, waves, size, memory = 2000, 100, 50, 5<<30
	}
	s := newSite(t)
	s.serve("app", "article.py", "/app", "--user", "www-data", "--concurrency", "4",
		"--memory-max", strconv.FormatInt(memory, 10), "--tasks-max", "30000", "--cpu-weight", "50")
	s.serve("stays", "article.py", "/stays", "--user", "www-data", "--accept", "no", "--workers", "4")
	for name, text := range byHand {
		s.Write("/etc/systemd/system/"+name, text)
	}
	s.app("by_hand_hello.py")
	s.app("by_hand.py")
	if at > 1000 {
		s.Write("/etc/systemd/system/app.socket.d/limit.conf", fmt.Sprintf("[Socket]\nMaxConnections=%d\n", at))
	}
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "restart", "app.socket")
	s.Run("systemctl", "start", "byhand.socket")
	group := s.control("memory") // here the slice itself has no limit
	if group != "" {
		require.NoError(t, os.WriteFile(filepath.Join(group, "memory.limit_in_bytes"), []byte(strconv.FormatInt(memory, 10)), 0))
	}

	counts, slowest := s.storm("app", at)
	t.Logf("Accept=yes: %d connections at once: %v; systemctl took at most %v", at, counts, slowest)
	assert.Equal(t, at, counts["200"]+counts["503"], "%v", counts)
	assert.NotZero(t, counts["200"])
	assert.Equal(t, "0\n", s.Run("systemctl", "show", "-p", "NRefused", "--value", "app.socket"))
	if group != "" {
		peak := number(t, filepath.Join(group, "memory.max_usage_in_bytes"))
		t.Logf("memory of the whole machine: at most %d MiB of %d", peak>>20, memory>>20)
		assert.Zero(t, number(t, filepath.Join(group, "memory.failcnt")), "it never came to the limit")
	}
	assert.Equal(t, "Hello world!\n", s.get("/app").body)
	for range waves {
		counts := wave(t, s.Path("/run/socketgi/app.sock"), size, nil)
		assert.Equal(t, map[string]int{"200": size}, counts)
	}
	s.allEnded("app")
	assert.NotContains(t, s.Run("journalctl", "--no-pager", "_PID=1"), "Failed with result")

	counts, slowest = s.storm("stays", at)
	t.Logf("Accept=no: %v; systemctl took at most %v", counts, slowest)
	assert.Equal(t, map[string]int{"200": at}, counts)
	if torture() { // with Accept=yes systemd accepts all and starts all before it answers
		assert.Less(t, slowest, time.Second)
	}
	s.Run("systemctl", "stop", "stays.socket", "stays.service")

	counts = wave(t, s.Path("/run/byhand.sock"), at, nil)
	active, _ := s.Try("systemctl", "is-active", "byhand.socket")
	result := s.Run("systemctl", "show", "-p", "Result", "--value", "byhand.socket")
	t.Logf("the set-up of 2011: %v; its socket is %s (%s)", counts, strings.TrimSpace(active), strings.TrimSpace(result))
	assert.Less(t, counts["200"], at, "otherwise there would be nothing to be promised")
}
