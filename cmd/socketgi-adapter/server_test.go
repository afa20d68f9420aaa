package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/scgi/scgihttp"
	"github.com/socketgi/socketgi/scgi/wsgi/pool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// unit is a socket unit with Accept=no, and its service.
type unit struct {
	t      *testing.T
	path   string
	socket *os.File // what systemd keeps
	args   []string
	env    []string
	dir    string
	limit  string // what a shell says before it becomes the service
	notify *net.UnixConn
	states chan string // that the service has told its manager
	client *http.Client
}

func newUnit(t *testing.T, args ...string) *unit {
	t.Helper()
	dir := t.TempDir()
	u := &unit{t: t, path: filepath.Join(dir, "s"), args: args}
	l, err := net.Listen("unix", u.path)
	require.NoError(t, err)
	u.socket, err = l.(*net.UnixListener).File()
	require.NoError(t, err)
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	require.NoError(t, l.Close())
	u.notify, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(dir, "notify")})
	require.NoError(t, err)
	u.client = &http.Client{Timeout: 60 * time.Second, Transport: &scgihttp.Transport{Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", u.path)
	}}}
	u.states = make(chan string, 10_000)
	go func() { // or the service would wait, because the kernel keeps ten
		buf := make([]byte, 64<<10)
		for {
			n, err := u.notify.Read(buf)
			if err != nil {
				return
			}
			u.states <- string(buf[:n])
		}
	}()
	t.Cleanup(func() { u.socket.Close(); u.notify.Close() })
	return u
}

// start starts the service.
func (u *unit) start() *process {
	u.t.Helper()
	p := &process{cmd: exec.Command("sh", append([]string{"-c", u.limit + `LISTEN_PID=$$ exec "$@"`, "sh", adapterOf(u.t)}, u.args...)...), ended: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "BE_ADAPTER=1", "LISTEN_FDS=1", "NOTIFY_SOCKET="+u.notify.LocalAddr().String()), u.env...)
	p.cmd.Dir = u.dir
	p.cmd.ExtraFiles = []*os.File{u.socket}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = time.Second // a worker that is left has it open, too
	require.NoError(u.t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	p.endWith(u.t)
	return p
}

// told waits for a state that the service tells its manager.
func (u *unit) told(state string) {
	u.t.Helper()
	assert.Equal(u.t, state, u.toldOf(""))
}

// toldOf waits for a state that has this in it, and returns it; others in between are left
// out.
func (u *unit) toldOf(part string) string {
	u.t.Helper()
	late := time.After(60 * time.Second)
	for {
		select {
		case state := <-u.states:
			if strings.Contains(state, part) {
				return state
			}
		case <-late:
			require.Fail(u.t, "the service manager was not told", "%s", part)
		}
	}
}

func (u *unit) get(path string) reply {
	u.t.Helper()
	got := u.do("GET", path, nil)
	assert.NoError(u.t, got.err)
	return got
}

// do sends a request. The error is that of the whole way.
func (u *unit) do(method, path string, body io.Reader) reply {
	req, err := http.NewRequest(method, "http://localhost"+path, body)
	if err != nil {
		return reply{err: err}
	}
	resp, err := u.client.Do(req)
	if err != nil {
		return reply{err: err}
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, resp.Header, string(data), err, ""}
}

func TestServer(t *testing.T) {
	t.Parallel()
	a := script(t, plain+`echo "$$ $QUERY_STRING"`)
	u := newUnit(t, a.args...)
	p := u.start()
	u.told("READY=1")
	var wg sync.WaitGroup
	seen := sync.Map{}
	for range 8 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for range 10 {
				got := u.get("/?q")
				pid, query, _ := strings.Cut(strings.TrimSpace(got.body), " ")
				assert.Equal(t, "q", query)
				_, twice := seen.LoadOrStore(pid, true)
				assert.False(t, twice, "each request has a process of its own")
			}
		}()
	}
	wg.Wait()
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	u.told("STOPPING=1")
	assert.Equal(t, 80, strings.Count(p.wait(t), "GET / 200 "))
	assert.Equal(t, 0, p.cmd.ProcessState.ExitCode())
}

// TestServerIdleExit has a service leave again and again while requests come, and
// checks that each is answered, by this process or the next.
func TestServerIdleExit(t *testing.T) {
	t.Parallel()
	a := script(t, plain+`echo well`)
	u := newUnit(t, append([]string{"--idle-exit", "1ms"}, a.args...)...)
	answered, left := make(chan int), make(chan bool)
	go func() {
		n := 0
		for i := range 50 {
			if got := u.get("/"); got.err == nil && got.body == "well\n" {
				n++
			}
			if i%10 == 0 {
				<-left // or it might be kept busy all the time
			}
		}
		answered <- n
	}()
	for done := false; !done; {
		p := u.start()
		u.told("READY=1")
		u.told("STOPPING=1")
		p.wait(t)
		select {
		case left <- true:
		case n := <-answered:
			assert.Equal(t, 50, n)
			done = true
		default:
		}
	}
}

// TestServerDrains stops the service in the middle of a request, which is answered.
func TestServerDrains(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "gate")
	require.NoError(t, syscall.Mkfifo(gate, 0o600))
	a := script(t, plain+`cat `+gate)
	u := newUnit(t, a.args...)
	p := u.start()
	u.told("READY=1")
	answer := make(chan reply)
	go func() { answer <- u.get("/") }()
	open, err := os.OpenFile(gate, os.O_WRONLY, 0) // opens when the program is there
	require.NoError(t, err)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	u.told("STOPPING=1")
	_, err = open.WriteString("well")
	require.NoError(t, err)
	require.NoError(t, open.Close())
	got := <-answer
	assert.Equal(t, "well", got.body)
	assert.NoError(t, got.err)
	assert.Contains(t, p.wait(t), "GET / 200 4 bytes")
}

// TestServerQueue fills the only place.
func TestServerQueue(t *testing.T) {
	t.Parallel()
	gate := filepath.Join(t.TempDir(), "gate")
	require.NoError(t, syscall.Mkfifo(gate, 0o600))
	a := script(t, plain+`cat `+gate)
	u := newUnit(t, append([]string{"--concurrency", "1", "--queue-timeout", "100ms"}, a.args...)...)
	u.start()
	answer := make(chan reply)
	go func() { answer <- u.get("/") }()
	open, err := os.OpenFile(gate, os.O_WRONLY, 0)
	require.NoError(t, err)
	got := u.get("/")
	assert.Equal(t, 503, got.status)
	assert.Equal(t, "5", got.header.Get("Retry-After"))
	require.NoError(t, open.Close())
	assert.Equal(t, 200, (<-answer).status)
	go func() {
		if open, err := os.OpenFile(gate, os.O_WRONLY, 0); err == nil {
			open.Close()
		}
	}()
	assert.Equal(t, 200, u.get("/").status, "the place is free again")
}

// TestServerMisconfigured checks that clients get an error, and that the service
// doesn't end at once, to be started again and again for the same connection.
func TestServerMisconfigured(t *testing.T) {
	t.Parallel()
	u := newUnit(t, "--no-such-flag")
	p := u.start()
	u.told("READY=1")
	assert.Equal(t, 500, u.get("/").status)
	assert.Equal(t, 500, u.get("/").status)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	assert.Contains(t, p.wait(t), "unknown flag: --no-such-flag")
}

// TestServerDescriptors checks that no request leaves a descriptor open, also where the
// client was gone before its program started.
func TestServerDescriptors(t *testing.T) {
	t.Parallel()
	a := script(t, plain+`echo well`)
	u := newUnit(t, a.args...)
	p := u.start()
	u.told("READY=1")
	open := func() int {
		list, err := os.ReadDir("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/fd")
		require.NoError(t, err)
		return len(list)
	}
	u.get("/")
	for range 50 {
		conn, err := net.Dial("unix", u.path)
		require.NoError(t, err)
		_, err = conn.Write(wire(t, "GET", "/"))
		require.NoError(t, err)
		require.NoError(t, conn.Close())
	}
	assert.Equal(t, 200, u.get("/").status)
	assert.Eventually(t, func() bool { return open() < 20 }, 60*time.Second, 10*time.Millisecond, "of 50 that left")
}

// TestServerNoDescriptors checks that a server which has no descriptors left lets the
// others wait, or tells them, and goes on.
func TestServerNoDescriptors(t *testing.T) {
	t.Parallel()
	a := script(t, plain+`sleep 0.3; echo well`)
	u := newUnit(t, a.args...)
	u.limit = "ulimit -n 30; "
	p := u.start()
	u.told("READY=1")
	var wg sync.WaitGroup
	for range 30 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			assert.Contains(t, []int{200, 503}, u.get("/").status)
		}()
	}
	wg.Wait()
	assert.Equal(t, 200, u.get("/").status)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	assert.NotContains(t, p.wait(t), "fatal error")
}

// TestDefaultConcurrency checks that help has the pool's default.
func TestDefaultConcurrency(t *testing.T) {
	usage := adapter.FlagSet().Lookup("concurrency").Usage
	assert.Contains(t, usage, "0 for "+strconv.Itoa(pool.DefaultConcurrency))
}
