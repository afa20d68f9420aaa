package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWarmWaits has more requests than workers, and one that waits too long.
func TestWarmWaits(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	gate := filepath.Join(t.TempDir(), "gate")
	require.NoError(t, syscall.Mkfifo(gate, 0o600))
	u, p := warmUnit(t, python, "--workers", "1", "--queue-timeout", "1s")
	answer := make(chan reply)
	go func() { answer <- u.get("/wait?" + gate) }()
	open, err := os.OpenFile(gate, os.O_WRONLY, 0)
	require.NoError(t, err)
	assert.Equal(t, 503, u.get("/").status)
	require.NoError(t, open.Close())
	assert.Equal(t, 200, (<-answer).status)
	assert.Equal(t, 200, u.get("/").status)

	go func() { answer <- u.get("/wait?" + gate) }()
	open, err = os.OpenFile(gate, os.O_WRONLY, 0)
	require.NoError(t, err)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	u.toldOf("STOPPING=1")
	require.NoError(t, open.Close())
	assert.Equal(t, 200, (<-answer).status, "a request in the middle is finished")
	p.wait(t)
}

// query is a request of which nothing but this is of interest.
func query(t *testing.T, path, query string) []byte {
	t.Helper()
	w, err := scgi.AppendRequest(nil, 0, []scgi.Header{
		{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "PATH_INFO", Value: path}, {Name: "QUERY_STRING", Value: query}})
	require.NoError(t, err)
	return w
}

// answered reads a response to its end.
func answered(t *testing.T, conn net.Conn) string {
	t.Helper()
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	conn.Close()
	return string(answer)
}

// TestWarmTakesBack sends requests to a worker while it is at one that takes long: they are
// for the other one then.
func TestWarmTakesBack(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "2")
	for range 20 {
		path, open := gate(t)
		slow := make(chan reply, 1)
		go func() { slow <- u.get("/wait?" + path) }()
		u.clients(20, func(got reply) bool {
			assert.NoError(t, got.err)
			assert.Equal(t, 200, got.status)
			return false
		})()
		open()
		assert.Equal(t, 200, (<-slow).status)
	}
	p.stop(t)
}

// TestWarmOrder has requests there before the service is, of which --backlog lets some in.
func TestWarmOrder(t *testing.T) {
	t.Parallel()
	app := program(t, `
def application(e, s):
    if e['PATH_INFO'] == '/wait':
        open(e['QUERY_STRING']).read()
    with open('DIR/seen', 'a') as f:
        f.write(e['QUERY_STRING'] + '\n')
    s('200 OK', [])
    return []
`)
	path, open := gate(t)
	u := newUnit(t, "--python", pythons(t)[0], "--workers", "1", "--backlog", "5", app)
	conns := []*net.UnixConn{u.raw(query(t, "/wait", path))}
	want := path + "\n"
	for i := range 30 {
		conns = append(conns, u.raw(query(t, "/", strconv.Itoa(i))))
		want += strconv.Itoa(i) + "\n"
	}
	p := u.start()
	assert.Contains(t, u.toldOf("waiting"), "1 busy, 0 idle, 0 served, 4 waiting")
	open()
	for _, conn := range conns {
		assert.Contains(t, answered(t, conn), "Status: 200 OK\r\n")
	}
	seen, err := os.ReadFile(filepath.Join(filepath.Dir(app), "seen"))
	require.NoError(t, err)
	assert.Equal(t, want, string(seen), "first come, first served")
	p.stop(t)
}

// TestWarmSlowClients has a hundred clients that don't complete their header.
func TestWarmSlowClients(t *testing.T) {
	t.Parallel()
	half := query(t, "/", "")[:20]
	u, p := warmUnit(t, pythons(t)[0], "--workers", "1", "--header-timeout", "10m")
	var slow []*net.UnixConn
	for range 100 {
		slow = append(slow, u.raw(half))
	}
	assert.Equal(t, 200, u.get("/").status, "nobody waits for them")
	require.NoError(t, slow[0].CloseWrite())
	assert.Contains(t, answered(t, slow[0]), "Status: 400 ")
	_, err := slow[1].Write(query(t, "/", "")[20:])
	require.NoError(t, err)
	assert.Contains(t, answered(t, slow[1]), "Status: 200 OK\r\n", "a client that continues is served")
	for _, conn := range slow {
		conn.Close()
	}
	assert.Equal(t, 200, u.get("/").status)
	p.stop(t)

	u, p = warmUnit(t, pythons(t)[0], "--workers", "1", "--header-timeout", "300ms")
	none, trickle := u.raw(nil), u.raw([]byte("20000:"))
	answer := make(chan string)
	go func() { answer <- answered(t, none) }()
	buf := make([]byte, 1000)
	for n := 0; n == 0; { // a byte now and then
		_, _ = trickle.Write([]byte{'x'})
		require.NoError(t, trickle.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
		var err error
		if n, err = trickle.Read(buf); err != nil {
			require.ErrorIs(t, err, os.ErrDeadlineExceeded)
		}
	}
	assert.Contains(t, string(buf), "Status: 408 ")
	assert.Contains(t, <-answer, "Status: 408 ")
	assert.Equal(t, 200, u.get("/").status)
	p.stop(t)
}

// TestWarmStops stops a service while requests wait for its only worker: they are answered,
// and a later one is by the next process.
func TestWarmStops(t *testing.T) {
	t.Parallel()
	path, open := gate(t)
	u, p := warmUnit(t, pythons(t)[0], "--workers", "1")
	conns := []*net.UnixConn{u.raw(query(t, "/wait", path))}
	for range 8 {
		conns = append(conns, u.raw(query(t, "/", "")))
	}
	u.toldOf(", 8 waiting")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	u.toldOf("STOPPING=1")
	late := u.raw(query(t, "/", ""))
	open()
	for _, conn := range conns {
		assert.Contains(t, answered(t, conn), "Status: 200 OK\r\n")
	}
	p.wait(t)
	assert.Equal(t, 0, p.cmd.ProcessState.ExitCode())
	p = u.start()
	assert.Contains(t, answered(t, late), "Status: 200 OK\r\n")

	// Again and again, under requests.
	var over atomic.Bool
	wait := u.clients(8, func(got reply) bool {
		assert.NoError(t, got.err)
		assert.Equal(t, 200, got.status)
		return !over.Load()
	})
	for range 3 {
		u.toldOf(" served")
		p.stop(t)
		p = u.start()
	}
	over.Store(true)
	wait()
	p.stop(t)
}
