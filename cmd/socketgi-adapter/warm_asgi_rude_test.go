package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const rudeApp = "testdata/warm_asgi_rude.py"

// logs waits until the adapter or the application has logged a text.
func (p *process) logs(t *testing.T, text string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(p.stderr.String(), text) }, 20*time.Second, 5*time.Millisecond, "%s", text)
}

// TestWarmASGIEager uses a loop that runs tasks at their creation (asyncio.eager_task_factory, Python 3.12).
func TestWarmASGIEager(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		u, p := warmUnit(t, python, "--workers", "1", "--concurrency", "2", rudeApp)
		if !strings.HasSuffix(u.get("/eager").body, "eager") {
			return // Python before 3.12
		}
		path, create := file(t)
		for range 5 {
			wait := u.later("/wait?" + path)
			assert.Equal(t, 200, u.get("/").status)
			create()
			assert.Equal(t, 200, wait().status)
		}
		p.stop(t)
	})
}

// TestWarmASGILate has a task write after the end of its request: the next connection has the same
// descriptor.
func TestWarmASGILate(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		u, p := warmUnit(t, python, "--workers", "1", "--send-timeout", "5s", rudeApp)
		u.raw(query(t, "/late", ""))
		p.logs(t, "the application returned before the last http.response.body")
		assert.Len(t, u.get("/big").body, 4<<20)
		assert.NotContains(t, p.stop(t), "--send-timeout")
	})
}

// TestWarmASGICloses has the application close the connection of a request: the next one gets its descriptor.
func TestWarmASGICloses(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		u, p := warmUnit(t, python, "--workers", "1", rudeApp)
		pid := u.get("/").body
		first, createFirst := file(t)
		second, createSecond := file(t)
		assert.Error(t, u.do("GET", "/close?"+first, nil).err)
		wait := u.later("/wait?" + second)
		p.logs(t, "at /wait")
		createFirst()
		p.logs(t, "GET /close 502")
		createSecond()
		assert.Equal(t, pid, wait().body, "the response is its own")
		assert.Equal(t, pid, u.get("/").body)
		assert.Contains(t, p.stop(t), "the application has closed the descriptor of the connection")
	})
}

// TestWarmASGIUsedUp has a request use all descriptors: others wait.
func TestWarmASGIUsedUp(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		u, p := warmUnit(t, python, "--workers", "1", rudeApp)
		pid := u.get("/").body
		path, create := file(t)
		fills := u.later("/fill?" + path)
		p.logs(t, "used up")
		waits := u.later("/")
		u.toldOf("1 waiting")
		create()
		assert.Equal(t, pid, fills().body)
		assert.Equal(t, pid, waits().body)
		p.stop(t)
	})
}

// TestWarmASGIDeaf has the application close the descriptor by which the loop receives requests: the worker
// is replaced.
func TestWarmASGIDeaf(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "1", "--queue-timeout", "1s", rudeApp)
	if status := u.get("/deaf").status; status == 204 {
		return // uvloop ends its process then
	} else {
		assert.Equal(t, 200, status)
	}
	require.Eventually(t, func() bool { return u.get("/").status == 200 }, 30*time.Second, 5*time.Millisecond)
	assert.Contains(t, p.stop(t), "a worker without a request takes none")
}

// TestWarmASGICancelledSend has the application cancel a send: the response is cut off.
func TestWarmASGICancelledSend(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		u, p := warmUnit(t, python, "--workers", "1", rudeApp)
		path, create := file(t)
		conn := u.raw(query(t, "/cancel", path))
		_, err := io.ReadFull(conn, make([]byte, 10)) // the application is sending
		require.NoError(t, err)
		create()
		p.logs(t, "sent on")
		data, err := io.ReadAll(conn)
		assert.ErrorIs(t, err, syscall.ECONNRESET, "the client can tell")
		assert.NotContains(t, string(data), "end")
		assert.Contains(t, p.stop(t), "the application has cancelled a send")
	})
}

// TestWarmASGIRaisesLate has a request fail when its head is about to be sent alone: the log has no exception
// that was never retrieved.
func TestWarmASGIRaisesLate(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		u, p := warmUnit(t, python, "--workers", "1", "--idle-exit", "1s", rudeApp)
		assert.Equal(t, 500, u.get("/raise").status)
		assert.NotContains(t, p.wait(t), "never retrieved")
	})
}

// TestWarmASGINeverBegins has a reload fail at its second lifespan: the worker with the first one runs the
// shutdown.
func TestWarmASGINeverBegins(t *testing.T) {
	t.Parallel()
	app := program(t, `
import os
async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        if os.path.exists('DIR/broken'):
            try:
                os.mkdir('DIR/first')
            except FileExistsError:
                return await send({'type': 'lifespan.startup.failed', 'message': 'no database'})
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        print('shutdown')
        return await send({'type': 'lifespan.shutdown.complete'})
    await send({'type': 'http.response.start', 'status': 200})
    await send({'type': 'http.response.body'})
`)
	u, p := warmUnit(t, pythons(t)[0], "--workers", "2", "--preload", "no", app)
	u.toldOf("2 idle")
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(app), "broken"), nil, 0o600))
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGHUP))
	p.logs(t, "the reload failed")
	p.logs(t, "shutdown")
	assert.Equal(t, 200, u.get("/").status)
	log := p.stop(t)
	assert.NotContains(t, log, "has closed")
	assert.Equal(t, 3, strings.Count(log, "shutdown"), log)
}
