package main

import (
	"os"
	"path/filepath"
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

const asgiApp = "testdata/warm_asgi.py"

// later requests a path, and returns a function that waits for the response.
func (u *unit) later(path string) (wait func() reply) {
	answer := make(chan reply, 1)
	go func() { answer <- u.do("GET", path, nil) }()
	return func() reply { return <-answer }
}

// file returns the path of a file that an application waits for, and a function that creates it.
func file(t *testing.T) (path string, create func()) {
	path = filepath.Join(t.TempDir(), "go")
	return path, func() { require.NoError(t, os.WriteFile(path, nil, 0o600)) }
}

// first returns the first word of a response, the process that sent it.
func first(got reply) string {
	pid, _, _ := strings.Cut(got.body, " ")
	return pid
}

// atOnce sends n requests that wait for a file to one worker, and returns a function that waits for the
// responses. It returns when the worker has begun all of them.
func (u *unit) atOnce(n int, path string) (wait func() []reply) {
	u.t.Helper()
	var waits []func() reply
	for range n {
		waits = append(waits, u.later(path))
	}
	require.Eventually(u.t, func() bool { return strings.Fields(u.get("/").body)[2] == strconv.Itoa(n+1) }, 60*time.Second, 5*time.Millisecond)
	return func() (list []reply) {
		for _, wait := range waits {
			list = append(list, wait())
		}
		return list
	}
}

// TestWarmASGI checks that one worker serves many requests at once.
func TestWarmASGI(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		for _, preload := range []string{"yes", "no"} {
			u, p := warmUnit(t, python, "--workers", "1", "--preload", preload, asgiApp)
			path, create := file(t)
			wait := u.atOnce(20, "/wait?"+path)
			create()
			pid := first(u.get("/"))
			for _, got := range wait() {
				assert.Equal(t, 200, got.status)
				assert.True(t, strings.HasPrefix(got.body, pid+" "+pid+" "), "the lifespan is the worker's own: %s", got.body)
			}
			assert.Equal(t, 500, u.get("/raise").status)
			assert.Equal(t, 500, u.get("/exit").status)
			assert.Equal(t, 200, u.get("/fork").status)
			assert.Equal(t, pid, first(u.get("/")), "neither an exception nor a fork ends it")
			body := strings.Repeat("x", 200000) // the slow lane
			assert.Equal(t, pid, first(u.do("POST", "/", strings.NewReader(body))))
			log := p.stop(t)
			assert.Contains(t, log, "RuntimeError: on purpose")
			assert.Contains(t, log, "sys.exit(3)")
			for _, once := range []string{"startup in ", "shutdown in ", "atexit in "} {
				assert.Equal(t, 1, strings.Count(log, once+pid), log)
			}
			assert.NotContains(t, log, "blocked")
		}
	})
}

// TestWarmASGIConcurrency fills a worker: one more request waits, and is finally refused.
func TestWarmASGIConcurrency(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "1", "--concurrency", "2", "--queue-timeout", "2s", asgiApp)
	path, create := file(t)
	wait := u.atOnce(1, "/wait?"+path)
	second := u.later("/wait?" + path)
	require.Eventually(t, func() bool { return u.get("/").status == 503 }, 20*time.Second, 5*time.Millisecond, "when the second has begun")
	create()
	for _, got := range append(wait(), second()) {
		assert.Equal(t, 200, got.status)
	}
	got := u.get("/")
	assert.Equal(t, 200, got.status)
	assert.Equal(t, "2", strings.Fields(got.body)[2], "two at once")
	p.stop(t)
}

// TestWarmASGITimeout has some requests exceed the timeout, beside others that don't.
func TestWarmASGITimeout(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		u, p := warmUnit(t, python, "--workers", "1", "--timeout", "3s", asgiApp)
		never, _ := file(t)
		pid := first(u.get("/"))
		late := u.later("/wait?" + never)
		begun := u.later("/after?" + never)
		assert.Equal(t, 504, late().status)
		assert.Error(t, begun().err, "cut")
		assert.Equal(t, pid, first(u.get("/")), "the worker goes on")
		assert.Contains(t, p.stop(t), "no end of the response after 3s")
	})
	t.Run("blocked", func(t *testing.T) {
		t.Parallel()
		u, p := warmUnit(t, python, "--workers", "1", "--timeout", "3s", asgiApp)
		never, _ := file(t)
		pid := first(u.get("/"))
		wait := u.atOnce(2, "/wait?"+never)
		assert.Equal(t, 504, u.get("/block?"+never).status)
		for _, got := range wait() {
			assert.Contains(t, []int{502, 504}, got.status, "a request of the same worker")
		}
		assert.NotEqual(t, pid, first(u.get("/")))
		log := p.stop(t)
		assert.Contains(t, log, "the event loop of worker "+pid+" is blocked")
		assert.Contains(t, log, "GET /block")
		assert.Regexp(t, `warm_asgi.py", line \d+ in app`, log)
		assert.NotContains(t, log, "shutdown in "+pid)
	})
	t.Run("stubborn", func(t *testing.T) {
		t.Parallel()
		u, p := warmUnit(t, python, "--workers", "1", "--timeout", "4s", asgiApp)
		never, _ := file(t)
		pid := first(u.get("/"))
		assert.Equal(t, 504, u.get("/stubborn?"+never).status)
		assert.Equal(t, pid, first(u.get("/")), "the worker goes on")
		assert.Contains(t, p.stop(t), "not cancelled")
	})
}

// TestWarmASGIDies ends a worker during several requests: each is answered and logged.
func TestWarmASGIDies(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "1", asgiApp)
	never, _ := file(t)
	wait := u.atOnce(3, "/wait?"+never)
	assert.Contains(t, []int{0, 502}, u.do("GET", "/die", nil).status)
	for _, got := range wait() {
		assert.Contains(t, []int{0, 502}, got.status)
	}
	assert.Equal(t, 200, u.get("/").status)
	log := p.stop(t)
	assert.Equal(t, 4, strings.Count(log, "the worker exited with status 3 without a response"), log)
	assert.Equal(t, 3, strings.Count(log, "GET /wait 502 "), log)
	assert.Equal(t, 1, strings.Count(log, "GET /die 502 "), log)
}

// lifespanApp is an ASGI application whose startup hangs or fails while a file with that name exists.
const lifespanApp = `
import asyncio, os
async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        if os.path.exists('DIR/hang'):
            await asyncio.sleep(3600)
        if os.path.exists('DIR/broken'):
            return await send({'type': 'lifespan.startup.failed', 'message': 'no database'})
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        return await send({'type': 'lifespan.shutdown.complete'})
    await send({'type': 'http.response.start', 'status': 200})
    await send({'type': 'http.response.body'})
`

// TestWarmASGILifespan has the startup of the lifespan fail, or exceed the timeout, in a forked worker and in
// one that has loaded the application. Afterwards the application is served.
func TestWarmASGILifespan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, timeout, log string
		status             []int
	}{{"broken", "60s", "no database", []int{500}}, {"hang", "3s", "within 3s", []int{500, 503, 504}}} {
		for _, preload := range []string{"yes", "no"} {
			t.Run(c.name+"/"+preload, func(t *testing.T) {
				t.Parallel()
				app := program(t, lifespanApp)
				fault := filepath.Join(filepath.Dir(app), c.name)
				require.NoError(t, os.WriteFile(fault, nil, 0o600))
				u, p := warmUnit(t, pythons(t)[0], "--workers", "1", "--preload", preload, "--timeout", c.timeout, app)
				assert.Contains(t, c.status, u.get("/").status)
				require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), c.log) }, 60*time.Second, 5*time.Millisecond)
				require.NoError(t, os.Remove(fault))
				require.Eventually(t, func() bool { return u.get("/").status == 200 }, 60*time.Second, 5*time.Millisecond)
				p.stop(t)
			})
		}
	}
}

// TestWarmASGIReloadFails has the startup of the lifespan fail after a reload: the old workers continue
// without a gap.
func TestWarmASGIReloadFails(t *testing.T) {
	t.Parallel()
	for _, preload := range []string{"yes", "no"} {
		app := program(t, lifespanApp)
		u, p := warmUnit(t, pythons(t)[0], "--workers", "2", "--preload", preload, app)
		assert.Equal(t, 200, u.get("/").status)
		require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(app), "broken"), nil, 0o600))
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
		for end := time.Now().Add(60 * time.Second); !strings.Contains(p.stderr.String(), "the previous application keeps running") && time.Now().Before(end); {
			assert.Equal(t, 200, u.get("/").status)
		}
		assert.Equal(t, 200, u.get("/").status)
		assert.Contains(t, p.stop(t), "no database")
	}
}

// TestWarmASGIReplaced replaces workers during requests: after a number of requests, by a reload, for each
// request, and when idle.
func TestWarmASGIReplaced(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	count := func(u *unit, n int) (by map[string]int) {
		var mu sync.Mutex
		by = map[string]int{}
		u.clients(8, func(got reply) bool {
			mu.Lock()
			defer mu.Unlock()
			assert.NoError(u.t, got.err)
			assert.Equal(u.t, 200, got.status)
			by[first(got)]++
			n--
			return n > 0
		})()
		return by
	}
	t.Run("recycled", func(t *testing.T) {
		t.Parallel()
		u, p := warmUnit(t, python, "--workers", "2", "--max-requests", "7", asgiApp)
		for pid, n := range count(u, 300) {
			assert.LessOrEqual(t, n, 7, pid)
		}
		p.stop(t)
	})
	t.Run("fresh", func(t *testing.T) {
		t.Parallel()
		u, p := warmUnit(t, python, "--workers", "2", "--max-requests", "1", asgiApp)
		for pid, n := range count(u, 50) {
			assert.Equal(t, 1, n, pid)
		}
		log := p.stop(t)
		assert.GreaterOrEqual(t, strings.Count(log, "shutdown in "), 50)
	})
	t.Run("reload", func(t *testing.T) {
		t.Parallel()
		u, p := warmUnit(t, python, "--workers", "1", asgiApp)
		path, create := file(t)
		wait := u.atOnce(3, "/wait?"+path)
		old := first(u.get("/"))
		require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
		require.Eventually(t, func() bool { return first(u.get("/")) != old }, 60*time.Second, time.Millisecond)
		create()
		for _, got := range wait() {
			assert.Equal(t, old, first(got), "a running request is completed")
		}
		p.stop(t)
	})
	t.Run("idle", func(t *testing.T) {
		t.Parallel()
		u, p := warmUnit(t, python, "--workers", "2", "--idle-exit", "300ms", asgiApp)
		path, create := file(t)
		wait := u.later("/wait?" + path)
		for !strings.Contains(u.toldOf("STATUS="), "1 busy, 1 idle, 0 served") { // the idle worker stays during requests of the status
		}
		create()
		assert.Equal(t, 200, wait().status)
		assert.Contains(t, p.wait(t), "shutdown in ")
	})
}

// TestWarmASGILog checks that each line of a request has its ID, although others write at the same time.
func TestWarmASGILog(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "1", asgiApp)
	var waits []func() reply
	for i := range 10 {
		waits = append(waits, u.later("/print?"+strconv.Itoa(i)))
	}
	for _, wait := range waits {
		assert.Equal(t, 200, wait().status)
	}
	log := p.stop(t)
	for i := range 10 {
		assert.Contains(t, log, "before "+strconv.Itoa(i))
		assert.Contains(t, log, "after "+strconv.Itoa(i))
	}
}

// TestWarmASGIKilled kills workers and reloads under load: only the requests of a killed worker fail, and
// each other one gets its own response.
func TestWarmASGIKilled(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "2", "--concurrency", "4", asgiApp)
	var over atomic.Bool
	var failed, served atomic.Int64
	var working sync.Map
	wait := u.clients(16, func(got reply) bool {
		switch {
		case got.err == nil && got.status == 200:
			served.Add(1)
			working.Store(atoi(t, first(got)), true)
		case got.err == nil && got.status == 502, got.err != nil && !os.IsTimeout(got.err):
			failed.Add(1)
		default:
			assert.Fail(t, "neither answered nor failed", "%d %v", got.status, got.err)
		}
		return !over.Load()
	})
	kills := int64(0)
	for end := time.Now().Add(20 * time.Second); kills < 30 && time.Now().Before(end); {
		before := served.Load()
		require.Eventually(t, func() bool { return served.Load() > before+20 }, 60*time.Second, time.Millisecond)
		working.Range(func(pid, _ any) bool {
			working.Delete(pid)
			if syscall.Kill(pid.(int), syscall.SIGKILL) == nil {
				kills++
				return false
			}
			return true
		})
		if kills%10 == 5 {
			require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
		}
	}
	over.Store(true)
	wait()
	t.Logf("%d kills: %d requests failed and %d did not", kills, failed.Load(), served.Load())
	assert.LessOrEqual(t, failed.Load(), 4*kills)
	assert.Equal(t, 200, u.get("/").status)
	p.stop(t)
}
