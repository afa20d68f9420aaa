package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWarmReplaced ends workers in all ways, in the middle of requests and between
// them; the others don't notice.
func TestWarmReplaced(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	for _, preload := range []string{"yes", "no"} {
		t.Run("timeout/"+preload, func(t *testing.T) {
			t.Parallel()
			u, p := warmUnit(t, python, "--workers", "2", "--preload", preload, "--timeout", "5s") // which loading has to keep, too
			assert.Equal(t, 504, u.get("/hang").status)
			assert.Equal(t, 200, u.get("/").status)
			assert.Contains(t, p.stop(t), "no end of the response after 5s")
		})
		u, p := warmUnit(t, python, "--workers", "2", "--preload", preload, "--max-memory", "100M")
		u.died("/die")
		assert.Equal(t, 200, u.get("/").status)
		pid := u.who("/grow").pid
		pid2 := u.who("/grow").pid
		for range 4 {
			now := u.who("/").pid
			assert.NotEqual(t, pid, now, "a worker with too much memory is replaced")
			assert.NotEqual(t, pid2, now)
		}
		// A worker that is killed while it is idle receives no request.
		killed := u.who("/").pid
		require.NoError(t, syscall.Kill(atoi(t, killed), syscall.SIGKILL))
		require.Eventually(t, func() bool { return syscall.Kill(atoi(t, killed), 0) == syscall.ESRCH }, 60*time.Second, time.Millisecond)
		if preload == "yes" { // nor is the one missed that they are forked from
			w := u.who("/")
			require.NoError(t, syscall.Kill(atoi(t, w.loaded), syscall.SIGKILL))
			require.NoError(t, syscall.Kill(atoi(t, w.pid), syscall.SIGKILL))
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for range 10 {
					assert.Equal(t, 200, u.get("/").status)
				}
			}()
		}
		wg.Wait()
		log := p.stop(t)
		assert.Contains(t, log, "was killed by SIGKILL")
	}
}

// children lists the child processes of a process.
func children(pid int) (pids []int) {
	tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	for _, task := range tasks {
		list, _ := os.ReadFile(task) // or it has ended
		for _, f := range strings.Fields(string(list)) {
			n, _ := strconv.Atoi(f)
			pids = append(pids, n)
		}
	}
	return pids
}

// TestWarmRecycled has workers replaced all the time (--max-requests).
func TestWarmRecycled(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "2", "--max-requests", "7")
	var mu sync.Mutex
	left, by := 1000, map[string]int{}
	u.clients(8, func(got reply) bool {
		mu.Lock()
		defer mu.Unlock()
		assert.NoError(t, got.err)
		assert.Equal(t, 200, got.status)
		pid, _, _ := strings.Cut(got.body, " ")
		by[pid]++
		left--
		return left > 0
	})()
	for pid, n := range by {
		assert.LessOrEqual(t, n, 7, pid)
	}
	assert.GreaterOrEqual(t, len(by), 1000/7)
	p.stop(t)
}

// TestWarmKilled kills workers under requests: only those that they are at fail. Then it
// kills their parent, without an effect on requests.
func TestWarmKilled(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "4", "--max-requests", "50")
	forker := func() int {
		t.Helper()
		var pids []int
		require.Eventually(t, func() bool { pids = children(p.cmd.Process.Pid); return len(pids) == 1 }, 60*time.Second, time.Millisecond)
		return pids[0]
	}
	var over atomic.Bool
	var failed, served atomic.Int64
	var working sync.Map // workers that have answered: others might die of something at their start
	more := func(got reply) bool {
		switch {
		case got.err == nil && got.status == 200:
			served.Add(1)
			pid, _, _ := strings.Cut(got.body, " ")
			working.Store(pid, true)
		case got.err == nil && got.status == 502, got.err != nil && !os.IsTimeout(got.err): // its head was out
			failed.Add(1)
		default:
			assert.Fail(t, "neither answered nor failed", "%d %v", got.status, got.err)
		}
		return !over.Load()
	}
	wait := u.clients(16, more)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	parent := forker()
	kills := int64(0)
	for end := time.Now().Add(20 * time.Second); kills < 100 && time.Now().Before(end); {
		<-tick.C
		workers := slices.DeleteFunc(children(parent), func(pid int) bool { _, ok := working.Load(strconv.Itoa(pid)); return !ok })
		if len(workers) > 0 && syscall.Kill(workers[rand.IntN(len(workers))], syscall.SIGKILL) == nil {
			kills++
		}
	}
	over.Store(true)
	wait()
	t.Logf("%d kills: %d requests failed and %d did not", kills, failed.Load(), served.Load())
	assert.LessOrEqual(t, failed.Load(), kills)

	over.Store(false)
	failed.Store(0)
	wait = u.clients(8, more)
	for range 5 {
		before := served.Load()
		require.NoError(t, syscall.Kill(forker(), syscall.SIGKILL))
		require.Eventually(t, func() bool { return served.Load() > before+300 }, 60*time.Second, time.Millisecond, "more than its workers were for")
	}
	over.Store(true)
	wait()
	assert.Zero(t, failed.Load())
	for range 20 {
		assert.Equal(t, 200, u.get("/").status)
	}
	p.stop(t)
}

// TestWarmDiesAtStart has workers that end as soon as they are there.
func TestWarmDiesAtStart(t *testing.T) {
	t.Parallel()
	for _, preload := range []string{"yes", "no"} {
		app := program(t, `
import os
def born():
    with open('DIR/born', 'ab') as f:
        f.write(b'x')
    if os.path.exists('DIR/broken'):
        os._exit(9)
`+map[string]string{"yes": "os.register_at_fork(after_in_child=born)", "no": "born()"}[preload]+`
def application(e, s):
    s('200 OK', [])
    return [b'well']
`)
		dir := filepath.Dir(app)
		broken := filepath.Join(dir, "broken")
		require.NoError(t, os.WriteFile(broken, nil, 0o600))
		u, p := warmUnit(t, pythons(t)[0], "--workers", "2", "--preload", preload, app)
		told := 0
		for range 100 {
			got := u.get("/")
			assert.Contains(t, []int{502, 503}, got.status)
			if got.status == 503 {
				told++
				assert.Equal(t, "5", got.header.Get("Retry-After"))
			}
		}
		assert.Greater(t, told, 80, "most are told at once")
		born, err := os.ReadFile(filepath.Join(dir, "born"))
		require.NoError(t, err)
		assert.Less(t, len(born), 50, "it is not tried for each request")
		assert.Contains(t, u.toldOf("failed to start"), "exited with status 9")
		require.NoError(t, os.Remove(broken))
		require.Eventually(t, func() bool { return u.get("/").body == "well" }, 60*time.Second, 10*time.Millisecond)
		for state := "; "; strings.Contains(state, "; "); { // until it is true again
			state = u.toldOf("STATUS=")
			u.get("/")
		}
		assert.Contains(t, p.stop(t), "exited with status 9")
	}
}
