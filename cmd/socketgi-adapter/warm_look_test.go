package main

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file has the adapter beside workers that accept and serve without it.

// wakeUps counts how often the threads of a process were woken.
func wakeUps(t *testing.T, pid int) (n int) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/status")
	require.NoError(t, err)
	for _, task := range tasks {
		status, _ := os.ReadFile(task) // or it has ended
		if found := regexp.MustCompile(`(?m)^voluntary_ctxt_switches:\s+(\d+)$`).FindSubmatch(status); found != nil {
			n += atoi(t, string(found[1]))
		}
	}
	return n
}

// TestWarmSleeps has nothing wake the adapter when there are no requests, and few things when
// there are.
func TestWarmSleeps(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "2", "--access-log", "no")
	u.get("/")
	before := -1
	sleeps := func() bool {
		now := wakeUps(t, p.cmd.Process.Pid)
		defer func() { before = now }()
		return now == before
	}
	require.Eventually(t, sleeps, 60*time.Second, time.Second, "it looks as long as there are requests, and then no more")
	const many = 2000
	for range many {
		u.get("/")
	}
	assert.Less(t, wakeUps(t, p.cmd.Process.Pid)-before, many, "requests don't wake it; its runtime's own thread looks for work for a while after each look")
	before = -1
	require.Eventually(t, sleeps, 60*time.Second, time.Second)
	p.stop(t)
}

// died asks for a path of which a worker dies: the kernel closes the connection, which a web server makes a 502.
// Where the adapter had read the request, it answers.
func (u *unit) died(path string) {
	u.t.Helper()
	got := u.do("GET", path, nil)
	assert.True(u.t, got.err != nil || got.status == 502, "%d", got.status)
}

// alone asks for a path while the adapter is stopped. Where the request arrives so late after its connection that
// the adapter is to read it, that goes on meanwhile.
func (u *unit) alone(p *process, path string) {
	u.t.Helper()
	answer := make(chan reply, 1)
	go func() { answer <- u.do("GET", path, nil) }()
	select {
	case got := <-answer:
		assert.Equal(u.t, 200, got.status)
	case <-time.After(2 * time.Second):
		require.NoError(u.t, p.cmd.Process.Signal(syscall.SIGCONT))
		assert.Equal(u.t, 200, (<-answer).status)
		require.NoError(u.t, p.cmd.Process.Signal(syscall.SIGSTOP))
	}
}

// TestWarmServesAlone stops the adapter while there are requests: they are served, and recorded later.
// Requests without a free record are counted.
func TestWarmServesAlone(t *testing.T) {
	t.Parallel()
	// It prints nothing: that could come into the middle of a line of the adapter.
	u, p := warmUnit(t, pythons(t)[0], "--workers", "1", program(t, "def application(e, s):\n    s('200 OK', [])\n    return [b'well']\n"))
	u.get("/") // so that there is a worker
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
	const many = 300
	for range many {
		u.alone(p, "/")
	}
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT))
	log := p.stop(t)
	records := strings.Count(log, "GET / 200 ")
	leftOut := 0
	for _, found := range regexp.MustCompile(`(?m)^(\d+) request records were dropped`).FindAllStringSubmatch(log, -1) {
		leftOut += atoi(t, found[1])
	}
	assert.Equal(t, many+1, records+leftOut)
	assert.Greater(t, records, many/2)
}

// TestWarmDiesInRequest has the log tell what a worker was at that was killed, whether
// it had begun to answer or not.
func TestWarmDiesInRequest(t *testing.T) {
	t.Parallel()
	app := program(t, `
import os, signal
def application(e, s):
    write = s('200 OK', [])
    if e['PATH_INFO'] == '/cut':
        write(b'half')
    if e['PATH_INFO'] != '/':
        os.kill(os.getpid(), signal.SIGKILL)
    return [b'well']
`)
	u, p := warmUnit(t, pythons(t)[0], "--workers", "1", app)
	u.died("/none")
	assert.Error(t, u.do("GET", "/cut", nil).err, "a response that isn't whole is no success")
	assert.Equal(t, 200, u.get("/").status)
	// The adapter can answer requests that it has read and passed to a worker.
	conn := u.raw(query(t, "/none", ""))
	assert.Contains(t, answered(t, conn), "Status: 502 ")
	log := p.stop(t)
	assert.Regexp(t, `(?m)^[0-9a-f]{32} the worker was killed by SIGKILL`, log)
	assert.Regexp(t, `(?m)^[0-9a-f]{32} GET /none 502 0 bytes`, log)
	assert.Regexp(t, `(?m)^[0-9a-f]{32} GET /cut 200 \d bytes .*, cut$`, log)
}

// TestWarmSplit sends requests in pieces, which the adapter reads, among others that
// workers read by themselves.
func TestWarmSplit(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "2")
	whole := query(t, "/", "")
	var conns []*net.UnixConn
	for i := range whole {
		conns = append(conns, u.raw(whole[:i]))
		assert.Equal(t, 200, u.get("/").status, "nobody waits for a client that doesn't go on")
	}
	for i, conn := range conns {
		_, err := conn.Write(whole[i:])
		require.NoError(t, err)
		assert.Contains(t, answered(t, conn), "Status: 200 OK\r\n")
	}
	p.stop(t)
}

// TestDoorShut has an application shut down the socket that its workers share: they are replaced by
// workers with another one.
func TestDoorShut(t *testing.T) {
	t.Parallel()
	app := program(t, `
import os, socket
def application(e, start):
    if e['PATH_INFO'] == '/shut':
        for fd in map(int, os.listdir('/proc/self/fd')):
            try:
                s = socket.socket(fileno=os.dup(fd))
                if s.type == socket.SOCK_SEQPACKET:
                    s.shutdown(2)
            except OSError:
                pass
    start('200 OK', [])
    return [b'well']
`)
	u, p := warmUnit(t, pythons(t)[0], "--workers", "2", app)
	u.do("GET", "/shut", nil)
	for range 5 {
		assert.Equal(t, "well", u.get("/").body)
	}
	assert.Contains(t, answered(t, u.raw(query(t, "/", ""))), "well", "also through that socket")
	assert.Contains(t, p.stop(t), "the application shut down the socket")
}

// TestWarmRecords has the records that are there at a look in the order of the requests, whichever worker served
// them.
func TestWarmRecords(t *testing.T) {
	t.Parallel()
	u, p := warmUnit(t, pythons(t)[0], "--workers", "3")
	u.toldOf("3 idle")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
	var want []string
	for i := range 100 {
		path := "/" + strconv.Itoa(i)
		u.alone(p, path)
		want = append(want, path)
	}
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT))
	var paths []string
	late := 0
	for i, found := range regexp.MustCompile(`GET (/\d+) 200 `).FindAllStringSubmatch(p.stop(t), -1) {
		late = max(late, i-atoi(t, found[1][1:]))
		paths = append(paths, found[1])
	}
	assert.ElementsMatch(t, want, paths)
	assert.Less(t, late, 30, "%s: a worker may be late to tell of some", paths)
}
