package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// devRun is socketgi dev, running.
type devRun struct {
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	head string // what it says at the start

	mu  sync.Mutex
	log bytes.Buffer
}

func (d *devRun) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.Write(p)
}

func (d *devRun) logged() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

func startDev(t *testing.T, args ...string) *devRun {
	t.Helper()
	return runDev(t, exec.Command("socketgi", append([]string{"dev", "--listen", "127.0.0.1:0", "--adapter", filepath.Join(adapterDir, adapter.Program)}, args...)...))
}

// runDev runs a command that becomes socketgi dev, in a process group of its own.
func runDev(t *testing.T, cmd *exec.Cmd) *devRun {
	t.Helper()
	d := &devRun{t: t, cmd: cmd}
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	d.cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir())
	d.cmd.Stderr = d
	stdout, err := d.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, d.cmd.Start())
	t.Cleanup(func() { _ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL); _ = d.cmd.Wait() })
	r := bufio.NewReader(stdout)
	for range 3 {
		line, err := r.ReadString('\n')
		require.NoError(t, err, "%s", d.logged())
		d.head += line
	}
	d.url = regexp.MustCompile(`http://\S+`).FindString(d.head)
	return d
}

func (d *devRun) get(path string) (int, string) {
	d.t.Helper()
	resp, err := http.Get(strings.TrimSuffix(d.url, "/") + path)
	require.NoError(d.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(d.t, err)
	return resp.StatusCode, string(body)
}

// interrupt is what Ctrl-C sends.
func (d *devRun) interrupt() {
	d.t.Helper()
	require.NoError(d.t, d.cmd.Process.Signal(os.Interrupt))
	ended := make(chan error, 1)
	go func() { ended <- d.cmd.Wait() }()
	select {
	case err := <-ended:
		assert.NoError(d.t, err)
	case <-time.After(60 * time.Second):
		d.t.Fatal("Ctrl-C doesn't end it")
	}
}

func writeApp(t *testing.T, path, body string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte("import os, subprocess, sys, time\n"+
		"def application(environ, start_response):\n    start_response('200 OK', [])\n    "+body+"\n"), 0o600))
}

func TestDev(t *testing.T) {
	app := filepath.Join(t.TempDir(), "app.py")
	writeApp(t, app, "return [b'one']")
	d := startDev(t, app)
	assert.Contains(t, d.head, "serving "+app+", each request in a fresh process; stop with Ctrl-C\nopen http://127.0.0.1:")
	assert.Regexp(t, `\nPython: /.*python`, d.head)
	_, body := d.get("/")
	assert.Equal(t, "one", body)
	writeApp(t, app, "return [b'two, ' + str(os.getppid()).encode()]")
	_, first := d.get("/")
	assert.Contains(t, first, "two, ", "a reload shows the change")
	_, second := d.get("/")
	assert.NotEqual(t, first, second, "each request has its own process")

	writeApp(t, app, "raise ValueError('<b>bold</b>')")
	status, body := d.get("/")
	assert.Equal(t, 500, status)
	assert.Contains(t, body, "ValueError: &lt;b&gt;bold&lt;/b&gt;")
	assert.NotContains(t, body, "<b>")
	assert.Eventually(t, func() bool {
		return strings.Contains(d.logged(), "ValueError: <b>bold</b>") && strings.Contains(d.logged(), "GET / 500 ")
	}, 60*time.Second, 10*time.Millisecond)
	d.interrupt()
}

// TestDevLeavesNothing checks that what an application starts ends with its request,
// and everything with Ctrl-C.
func TestDevLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	app, pids := filepath.Join(dir, "app.py"), filepath.Join(dir, "pids")
	spawn := "open('" + pids + "', 'a').write('%d ' % subprocess.Popen(['sleep', '1000'], start_new_session=SESSION).pid); "
	ended := func() {
		t.Helper()
		list, err := os.ReadFile(pids)
		require.NoError(t, err)
		for _, pid := range strings.Fields(string(list)) {
			assert.Eventually(t, func() bool {
				state, err := os.ReadFile("/proc/" + pid + "/stat")
				return err != nil || strings.Contains(string(state), ") Z ")
			}, 60*time.Second, 10*time.Millisecond, "process %s is left", pid)
		}
	}
	writeApp(t, app, strings.ReplaceAll(spawn, "SESSION", "False")+"return [b'ok']")
	d := startDev(t, app)
	_, body := d.get("/")
	assert.Equal(t, "ok", body)
	ended()

	writeApp(t, app, strings.ReplaceAll(spawn, "SESSION", "True")+"open('"+pids+".started', 'w'); time.sleep(1000)")
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if resp, err := http.Get(d.url); err == nil {
			resp.Body.Close()
		}
	}()
	require.Eventually(t, func() bool { _, err := os.Stat(pids + ".started"); return err == nil }, 60*time.Second, 10*time.Millisecond)
	d.interrupt()
	<-answered
	ended()
}

func TestDevMount(t *testing.T) {
	app := filepath.Join(t.TempDir(), "app.py")
	writeApp(t, app, "return [(environ['SCRIPT_NAME'] + '|' + environ['PATH_INFO']).encode()]")
	d := startDev(t, app, "--mount", "/")
	_, body := d.get("/x")
	assert.Equal(t, "|/x", body)
	d.interrupt()
	d = startDev(t, app, "--mount", "/my/app/")
	assert.True(t, strings.HasSuffix(d.url, "/my/app/"), d.url)
	_, body = d.get("/x")
	assert.Equal(t, "/my/app|/x", body)
	d.interrupt()
}

func TestDevRefuses(t *testing.T) {
	app := filepath.Join(t.TempDir(), "app.py")
	writeApp(t, app, "return []")
	adapter := "--adapter=" + filepath.Join(adapterDir, adapter.Program)
	for _, c := range []struct {
		args []string
		err  string
	}{
		{[]string{adapter}, "expected APP, got 0 arguments"},
		{[]string{adapter, "nowhere.py"}, "nowhere.py: no such file"},
		{[]string{adapter, "--python", "/nonexistent", app}, "/nonexistent is not an executable file"},
		{[]string{adapter, "--mount", "x", app}, "a path must begin with a slash"},
		{[]string{"--adapter", "/nonexistent", app}, "--adapter /nonexistent: not an executable file"},
	} {
		out, err := exec.Command("socketgi", append([]string{"dev"}, c.args...)...).CombinedOutput()
		assert.Error(t, err, "%v", c.args)
		assert.Contains(t, string(out), c.err)
	}
}

func TestDevPortTaken(t *testing.T) {
	app := filepath.Join(t.TempDir(), "app.py")
	writeApp(t, app, "return []")
	d := startDev(t, app)
	address := strings.TrimSuffix(strings.TrimPrefix(d.url, "http://"), "/")
	out, err := exec.Command("socketgi", "dev", "--adapter", filepath.Join(adapterDir, adapter.Program), "--listen", address, app).CombinedOutput()
	assert.Error(t, err)
	assert.Equal(t, "socketgi: "+address+" is in use by another program: use --listen HOST:PORT\n", string(out))
	require.NoError(t, d.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, d.cmd.Wait())
}

// TestDevTarget: an application sees the target that the browser sent, and the path that nginx
// makes of it.
func TestDevTarget(t *testing.T) {
	app := filepath.Join(t.TempDir(), "app.py")
	writeApp(t, app, "return [repr([environ.get(n) for n in ('REQUEST_URI', 'QUERY_STRING', 'SCRIPT_NAME', 'PATH_INFO')]).encode()]")
	for _, mount := range []string{"", "/m"} {
		args := []string{app}
		if mount != "" {
			args = append([]string{"--mount", mount}, app)
		}
		d := startDev(t, args...)
		address := strings.Split(d.url, "/")[2]
		ask := func(target string) (int, string) {
			t.Helper()
			conn, err := net.Dial("tcp", address)
			require.NoError(t, err)
			defer conn.Close()
			_, err = io.WriteString(conn, "GET "+target+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			require.NoError(t, err)
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			return resp.StatusCode, string(body)
		}
		for _, c := range []struct{ target, query, info string }{
			{"/?y=1;z=2", "y=1;z=2", "/"},
			{"/?a=%zz&b", "a=%zz&b", "/"},
			{"/a%7Eb%2Fc?", "", "/a~b/c"},
			{"//a//b/./c/../d/?//x", "//x", "/a/b/d/"},
			{"/a/..", "", "/"},
			{"/a/%2e%2e/b", "", "/b"},
			{"/a/.", "", "/a/"},
			{"/a/...", "", "/a/..."},
			{"/[x]|y?[z]|{}", "[z]|{}", "/[x]|y"},
		} {
			status, body := ask(mount + c.target)
			require.Equal(t, 200, status, "%s: %s", c.target, body)
			assert.Equal(t, "['"+mount+c.target+"', '"+c.query+"', '"+mount+"', '"+c.info+"']", body)
		}
		_, body := ask("http://other" + mount + "/x?y;z")
		assert.Equal(t, "['"+mount+"/x?y;z', 'y;z', '"+mount+"', '/x']", body)
		for _, target := range []string{"/..", "/a/../../b", "/%00", mount + "/a%zz"} {
			status, _ := ask(target)
			assert.Equal(t, 400, status, "%s", target)
		}
		if mount != "" {
			status, body := ask("//m")
			assert.Equal(t, 200, status)
			assert.Equal(t, "['//m', '', '/m', '']", body)
			for _, target := range []string{"/", "/mm", "/m/../x"} {
				status, _ := ask(target)
				assert.Equal(t, 302, status, "%s", target)
			}
		}
		d.interrupt()
	}
}

// TestDevASGI serves events of an ASGI application, the second of which is sent once the client has the first.
func TestDevASGI(t *testing.T) {
	dir := t.TempDir()
	app := filepath.Join(dir, "app.py")
	require.NoError(t, os.WriteFile(app, []byte(`import asyncio, os
async def app(scope, receive, send):
    assert scope['type'] == 'http'
    if scope['path'] == '/broken':
        raise ValueError('<b>bold</b>')
    await send({'type': 'http.response.start', 'status': 200, 'headers': [(b'content-type', b'text/event-stream')]})
    await send({'type': 'http.response.body', 'body': b'data: one\n\n', 'more_body': True})
    while not os.path.exists('`+dir+`/gate'):
        await asyncio.sleep(0.01)
    await send({'type': 'http.response.body', 'body': b'data: two\n\n'})
`), 0o600))
	d := startDev(t, app)
	resp, err := http.Get(d.url + "events")
	require.NoError(t, err)
	defer resp.Body.Close()
	first := make([]byte, len("data: one\n\n"))
	_, err = io.ReadFull(resp.Body, first)
	require.NoError(t, err)
	assert.Equal(t, "data: one\n\n", string(first))
	require.NoError(t, os.WriteFile(dir+"/gate", nil, 0o600))
	rest, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "data: two\n\n", string(rest))
	status, body := d.get("/broken")
	assert.Equal(t, 500, status)
	assert.Contains(t, body, "ValueError: &lt;b&gt;bold&lt;/b&gt;")
	d.interrupt()

	d = startDev(t, "--interface", "wsgi", app)
	status, body = d.get("/")
	assert.Equal(t, 500, status)
	assert.Contains(t, body, "leave out --interface wsgi")
}

// TestDevWebSocket has an application echo a message.
func TestDevWebSocket(t *testing.T) {
	app := filepath.Join(t.TempDir(), "app.py")
	require.NoError(t, os.WriteFile(app, []byte(`async def app(scope, receive, send):
    assert scope['type'] == 'websocket'
    await receive()
    await send({'type': 'websocket.accept'})
    message = await receive()
    await send({'type': 'websocket.send', 'text': message['text'] + ' ' + scope['path']})
    await receive()
`), 0o600))
	d := startDev(t, app)
	address := strings.TrimSuffix(strings.TrimPrefix(d.url, "http://"), "/")
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET /chat HTTP/1.1\r\nHost: "+address+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusSwitchingProtocols, resp.StatusCode, "%s", d.logged())
	assert.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", resp.Header.Get("Sec-WebSocket-Accept"))
	_, err = conn.Write([]byte{0x81, 0x85, 0, 0, 0, 0, 'h', 'e', 'l', 'l', 'o'}) // RFC 6455, 5.2, with a mask of zeros
	require.NoError(t, err)
	frame := make([]byte, 2+len("hello /chat"))
	_, err = io.ReadFull(r, frame)
	require.NoError(t, err)
	assert.Equal(t, "\x81\x0bhello /chat", string(frame))
}
