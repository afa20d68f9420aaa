package e2e

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// load makes n clients request a path repeatedly, until stop or the end of the test; stop waits for them.
// seen gets each result.
func (s *site) load(n int, path string, seen func(status int, err error)) (stop func()) {
	var over atomic.Bool
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for count := 0; !over.Load(); count++ {
				asked := fmt.Sprintf("%d-%d", i, count)
				resp, err := s.client.Get("http://localhost" + path + "?" + asked)
				if err != nil {
					seen(0, err)
					continue
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil && resp.StatusCode == 200 {
					assert.Contains(s.t, string(body), "asked "+asked+"\n", "everybody gets what they asked for")
				}
				seen(resp.StatusCode, err)
			}
		}()
	}
	stop = func() { over.Store(true); wg.Wait() }
	s.t.Cleanup(stop)
	return stop
}

// works is for load, and requires that every request succeeds.
func (s *site) works(status int, err error) {
	assert.NoError(s.t, err)
	assert.Equal(s.t, 200, status)
}

// TestTortureWarmLeaves sends requests at the moment when an adapter exits, and shortly before and after it.
func TestTortureWarmLeaves(t *testing.T) {
	s := newSite(t)
	s.warm("app", "busy.py", "--idle-exit", "1ms")
	adapters := map[string]bool{}
	for i := range times(50, 500) {
		got := s.get(fmt.Sprintf("/app?%d", i))
		require.Equal(t, 200, got.StatusCode)
		require.Contains(t, got.body, fmt.Sprintf("asked %d\n", i))
		adapters[strings.Fields(got.body)[0]] = true
		time.Sleep(time.Duration(i%50) * 100 * time.Microsecond) // until a moment of its exit
	}
	t.Logf("%d requests had %d adapters", times(50, 500), len(adapters))
	assert.Greater(t, len(adapters), 5)
	stop := s.load(4, "/app", s.works)
	for range times(5, 50) {
		_, _ = s.Try("systemctl", "stop", "app.service") // it prints "canceled" if a request starts the service meanwhile
	}
	stop()
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
}

// TestTortureWarmRenews reloads the application and replaces its workers during requests.
func TestTortureWarmRenews(t *testing.T) {
	s := newSite(t)
	s.warm("app", "busy.py", "--max-requests", "5")
	stop := s.load(8, "/app", s.works)
	for range times(3, 30) {
		before := s.get("/app").body
		s.Run("systemctl", "reload", "app.service")
		s.Wait("other workers", func() error {
			got := s.get("/app").body
			if strings.Fields(got)[0] == strings.Fields(before)[0] {
				return errors.New(got)
			}
			return nil
		})
	}
	stop()
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
	s.Run("systemctl", "stop", "app.service")
	s.noProcess("socketgi-adapter|python")
}

// TestTortureWarmKilled kills workers during requests: only their current requests fail.
func TestTortureWarmKilled(t *testing.T) {
	s := newSite(t)
	s.warm("app", "busy.py", "--workers", "4")
	var failed, served atomic.Int64
	stop := s.load(16, "/app/slow", func(status int, err error) {
		switch {
		case err != nil, status == http.StatusBadGateway: // after the head was sent, or before
			failed.Add(1)
		case assert.Equal(t, 200, status):
			served.Add(1)
		}
	})
	kills := int64(0)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range times(20, 200) {
		<-tick.C
		got := s.get("/app/workers")
		require.Equal(t, 200, got.StatusCode)
		pids := strings.Fields(got.body)
		if _, err := s.Try("kill", "-KILL", pids[rand.IntN(len(pids))]); err == nil {
			kills++
		}
	}
	stop()
	t.Logf("%d kills: %d requests failed and %d did not", kills, failed.Load(), served.Load())
	assert.Greater(t, kills, int64(times(20, 200)/2))
	assert.LessOrEqual(t, failed.Load(), kills)
	assert.NotZero(t, failed.Load(), "somebody was at work")
	for range 20 {
		assert.Equal(t, 200, s.get("/app").StatusCode)
	}
	s.logged("app", map[string]string{"PRIORITY": "5", "SOCKETGI_STATUS": "200"})
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
}
