package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWarmShared checks the warnings about sockets and threads that workers share.
func TestWarmShared(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	app := filepath.Join(t.TempDir(), "app.py")
	require.NoError(t, os.WriteFile(app, []byte(`
import socket, threading
pair = socket.socketpair()
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
threading.Thread(target=threading.Event().wait, name='ticker', daemon=True).start()
def application(e, s):
    s('200 OK', [])
    return [b'well']
`), 0o600))
	u, p := warmUnit(t, python, "--workers", "1", app)
	assert.Equal(t, "well", u.get("/").body)
	log := p.stop(t)
	assert.Contains(t, log, "loading the application has opened a socket to 127.0.0.1:")
	assert.Contains(t, log, "loading the application has started threads (ticker)")
	assert.Contains(t, log, "--preload no")
}

// TestWarmSharedLoop creates an event loop while an ASGI application is loaded.
func TestWarmSharedLoop(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, python string) {
		app := program(t, `
import asyncio
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
async def app(scope, receive, send):
    assert scope['type'] == 'http'
    await asyncio.sleep(0)
    await send({'type': 'http.response.start', 'status': 200})
    await send({'type': 'http.response.body', 'body': b'%r' % (asyncio.get_running_loop() is loop)})
`)
		for preload, same := range map[string]string{"yes": "False", "no": "True"} {
			u, p := warmUnit(t, python, "--workers", "1", "--preload", preload, app)
			assert.Equal(t, same, u.get("/").body)
			log := p.stop(t)
			assert.Equal(t, preload == "yes", strings.Contains(log, "loading the application has created an event loop, which no worker runs: "), log)
			assert.NotContains(t, log, "socket")
		}
	})
}

// TestWarmPathASGI asks an ASGI application before it is forked: without its lifespan, which is that of a worker.
func TestWarmPathASGI(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, python string) {
		app := program(t, `
import os
pid, asked = os.getpid(), []
async def app(scope, receive, send):
    if scope['type'] == 'lifespan':
        await receive()
        asked.append('lifespan')
        await send({'type': 'lifespan.startup.complete'})
        await receive()
        return
    if scope['path'] == '/fail':
        raise KeyError('fail')
    asked.append(scope['path'])
    await send({'type': 'http.response.start', 'status': 200})
    await send({'type': 'http.response.body', 'body': ' '.join([*asked, str(os.getpid() == pid)]).encode()})
`)
		u, p := warmUnit(t, python, "--workers", "1", "--warm-path", "/warm?x", app)
		assert.Equal(t, "/warm lifespan / False", u.get("/").body)
		assert.NotContains(t, p.stop(t), "warm-up")
		u, p = warmUnit(t, python, "--workers", "1", "--warm-path", "/fail", app)
		assert.Equal(t, "lifespan / False", u.get("/").body)
		log := p.stop(t)
		assert.Contains(t, log, "warm-up request for /fail: Traceback (most recent call last):\n")
		assert.Contains(t, log, "KeyError: 'fail'")
	})
}

// TestWarmForks looks at what a fork takes along.
func TestWarmForks(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		app := program(t, `
import os, signal, subprocess, tempfile
seen = []
os.register_at_fork(before=lambda: seen.append('before'), after_in_child=lambda: seen.append('child'),
                    after_in_parent=lambda: seen.append('parent'))
def handle(number, frame):
    seen.append(signal.Signals(number).name)
for number in signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1:
    signal.signal(number, handle)
early = open('DIR/early', 'w')
early.write('early')
temporary = tempfile.NamedTemporaryFile(dir='DIR', suffix='.temporary')
hold = []
def application(e, s):
    path = e['PATH_INFO']
    if path == '/write':
        hold.append(open('DIR/%d.late' % os.getpid(), 'w'))
        hold[-1].write('late')
        early.write('+')
    elif path == '/child':
        subprocess.call(['true'])
    elif path == '/signal':
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGUSR1)
    s('200 OK', [])
    return [('%s %s' % (' '.join(seen[-2:]), os.path.exists(temporary.name))).encode()]
`)
		dir := filepath.Dir(app)
		u, p := warmUnit(t, python, "--workers", "1", "--max-requests", "4", app)
		const rounds = 5
		for range rounds {
			assert.Equal(t, "before child True", u.get("/").body)
			assert.Equal(t, "child SIGCHLD True", u.get("/child").body, "its handlers are the application's")
			assert.Equal(t, "SIGTERM SIGUSR1 True", u.get("/signal").body)
			assert.Equal(t, 200, u.get("/write").status)
		}
		log := p.stop(t)
		assert.NotContains(t, log, "Traceback")
		early, err := os.ReadFile(filepath.Join(dir, "early"))
		require.NoError(t, err)
		assert.Equal(t, "early"+strings.Repeat("+", rounds), string(early), "text from before the forks is written once")
		files, err := filepath.Glob(filepath.Join(dir, "*.late"))
		require.NoError(t, err)
		assert.Len(t, files, rounds)
		for _, file := range files {
			data, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, "late", string(data))
		}
		files, err = filepath.Glob(filepath.Join(dir, "*.temporary"))
		require.NoError(t, err)
		assert.Empty(t, files, "it is gone with the last process")
	})
}
