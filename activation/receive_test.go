package activation

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	oracle "github.com/coreos/go-systemd/v22/activation"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// outcome is what a child process says of what it was handed.
type outcome struct {
	Handed  Handed
	Err     string
	Nothing bool
	// Left are the LISTEN_ variables that are still there.
	Left []string
	// Kept are the sockets that a program would inherit on exec.
	Kept []int
	// Oracle are the descriptors and names that go-systemd finds in the same environment.
	Oracle []Socket
	Stdin  string
}

// TestMain makes the test binary the process that is handed something.
func TestMain(m *testing.M) {
	if os.Getenv("RECEIVE") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("LISTEN_PID") == "self" {
		os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
	var o outcome
	for _, f := range oracle.Files(false) {
		o.Oracle = append(o.Oracle, Socket{int(f.Fd()), f.Name()})
	}
	for _, s := range o.Oracle {
		_, _ = unix.FcntlInt(uintptr(s.FD), unix.F_SETFD, 0) // as they were
	}
	h, err := Receive()
	o.Handed = h
	if err != nil {
		o.Err, o.Nothing = err.Error(), errors.Is(err, ErrNothing)
	}
	for _, e := range os.Environ() {
		if strings.HasPrefix(e, "LISTEN_") {
			o.Left = append(o.Left, e)
		}
	}
	for fd := 3; fd < 20; fd++ {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 && isSocket(fd) {
			o.Kept = append(o.Kept, fd)
		}
	}
	o.Stdin, _ = os.Readlink("/proc/self/fd/0")
	_ = json.NewEncoder(os.Stdout).Encode(o)
	os.Exit(0)
}

// receive runs the child with an environment, a standard input and descriptors from
// 3 on.
func receive(t *testing.T, env []string, stdin *os.File, files ...*os.File) outcome {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append([]string{"RECEIVE=1", "GORACE=atexit_sleep_ms=0"}, env...)
	if stdin != nil {
		cmd.Stdin = stdin
	}
	cmd.ExtraFiles = files
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var o outcome
	require.NoError(t, json.Unmarshal(out, &o), "%s", out)
	assert.Empty(t, o.Left)
	return o
}

func fds(n int, more ...string) []string {
	return append([]string{"LISTEN_PID=self", fmt.Sprintf("LISTEN_FDS=%d", n)}, more...)
}

func connection(t *testing.T) *os.File {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	a, b := os.NewFile(uintptr(pair[0]), "a"), os.NewFile(uintptr(pair[1]), "b")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a
}

func listener(t *testing.T, network, address string) *os.File {
	t.Helper()
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	f, err := l.(interface{ File() (*os.File, error) }).File()
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func TestConnection(t *testing.T) {
	o := receive(t, fds(1, "LISTEN_FDNAMES=connection", "LISTEN_PIDFDID=7"), nil, connection(t))
	require.Empty(t, o.Err)
	require.NotNil(t, o.Handed.Connection)
	assert.Equal(t, Socket{3, "connection"}, *o.Handed.Connection)
	assert.Equal(t, o.Oracle, []Socket{*o.Handed.Connection})
	assert.False(t, o.Handed.Stdin)
	assert.Empty(t, o.Handed.Listeners)
	assert.Empty(t, o.Kept)

	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer tcp.Close()
	c, err := net.Dial("tcp", tcp.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	f, err := c.(*net.TCPConn).File()
	require.NoError(t, err)
	defer f.Close()
	o = receive(t, fds(1), nil, f)
	require.Empty(t, o.Err)
	assert.Equal(t, &Socket{FD: 3}, o.Handed.Connection)
}

func TestListeners(t *testing.T) {
	o := receive(t, fds(2, "LISTEN_FDNAMES=web:admin"), nil,
		listener(t, "unix", t.TempDir()+"/s"), listener(t, "tcp", "127.0.0.1:0"))
	require.Empty(t, o.Err)
	assert.Nil(t, o.Handed.Connection)
	assert.Equal(t, []Socket{{3, "web"}, {4, "admin"}}, o.Handed.Listeners)
	assert.Equal(t, o.Oracle, o.Handed.Listeners)
	assert.Empty(t, o.Kept)
}

func TestStdin(t *testing.T) {
	o := receive(t, nil, connection(t))
	require.Empty(t, o.Err)
	require.NotNil(t, o.Handed.Connection)
	assert.True(t, o.Handed.Stdin)
	assert.GreaterOrEqual(t, o.Handed.Connection.FD, 3)
	assert.Equal(t, "/dev/null", o.Stdin)
	assert.Empty(t, o.Kept)
	assert.Empty(t, o.Oracle)

	o = receive(t, nil, listener(t, "unix", t.TempDir()+"/s"))
	require.Empty(t, o.Err)
	assert.Len(t, o.Handed.Listeners, 1)
}

func TestNothing(t *testing.T) {
	for _, env := range [][]string{nil, {"LISTEN_PID=1", "LISTEN_FDS=1"}, {"LISTEN_PID=self", "LISTEN_FDS=0"}} {
		o := receive(t, env, nil, connection(t))
		assert.True(t, o.Nothing, "%v: %s", env, o.Err)
		assert.Empty(t, o.Oracle, "%v", env)
	}
}

func TestRefused(t *testing.T) {
	datagram, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	d := os.NewFile(uintptr(datagram[0]), "d")
	defer d.Close()
	defer unix.Close(datagram[1])
	file, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer file.Close()
	for _, c := range []struct {
		env   []string
		stdin *os.File
		files []*os.File
		err   string
	}{
		{fds(1), nil, []*os.File{d}, "not a stream socket"},
		{fds(1), nil, []*os.File{file}, "not a socket"},
		{fds(3), nil, []*os.File{connection(t)}, "descriptor 4"},
		{fds(2), nil, []*os.File{connection(t), connection(t)}, "2 of them connections"},
		{fds(2), nil, []*os.File{listener(t, "tcp", "127.0.0.1:0"), connection(t)}, "1 of them connections"},
		{[]string{"LISTEN_PID=x", "LISTEN_FDS=1"}, nil, nil, `LISTEN_PID="x"`},
		{[]string{"LISTEN_PID=self", "LISTEN_FDS=many"}, nil, nil, `LISTEN_FDS="many"`},
		{[]string{"LISTEN_PID=self", "LISTEN_FDS=-1"}, nil, nil, `LISTEN_FDS="-1"`},
		{nil, d, nil, "not a stream socket"},
	} {
		o := receive(t, c.env, c.stdin, c.files...)
		assert.Contains(t, o.Err, c.err)
		assert.False(t, o.Nothing)
	}
}

func TestSameFile(t *testing.T) {
	a := connection(t)
	again, err := unix.Dup(int(a.Fd()))
	require.NoError(t, err)
	defer unix.Close(again)
	assert.True(t, SameFile(int(a.Fd()), again))
	assert.False(t, SameFile(int(a.Fd()), int(connection(t).Fd())))
	assert.False(t, SameFile(int(a.Fd()), -1))
}
