package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// stranger is the user as whom these tests connect. Root is always let in, so that root
// takes another one.
func stranger() int {
	if uid := os.Geteuid(); uid != 0 {
		return uid
	}
	return 12345
}

// asStranger does something in a thread that is the stranger's, and ends with it.
func asStranger(t *testing.T, what func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), uintptr(stranger()), ^uintptr(0)); errno != 0 {
			done <- errno
			return
		}
		done <- what()
	}()
	require.NoError(t, <-done)
}

// ask sends a request over a connection, and returns the whole answer.
func ask(t *testing.T, conn net.Conn) string {
	t.Helper()
	defer conn.Close()
	_, err := conn.Write(wire(t, "GET", "/"))
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	return string(answer)
}

// peerCases are the allowed peers, and the log's reasons for refused ones. The stranger's number
// is %d.
var peerCases = []struct{ flag, value, log string }{
	{"", "", ""},
	{"--allow-uid", "%d", ""},
	{"--allow-uid", "7,%d", ""},
	{"--allow-uid", "7", "it comes from user %[1]d, which is not allowed: to allow it, add %[1]d to --allow-uid"},
	{"--allow-user", "root", "it comes from user %d, "},
	{"--allow-uid", "0", "it comes from user %d, "},
}

func TestPeerOfConnection(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	for _, c := range peerCases {
		for _, kind := range []string{"cgi", "wsgi"} {
			started := filepath.Join(t.TempDir(), "started")
			var a *invocation
			if kind == "cgi" {
				a = script(t, "touch "+started+"; "+plain+"echo well")
			} else {
				app := filepath.Join(t.TempDir(), "app.py")
				require.NoError(t, os.WriteFile(app, []byte("open('"+started+"', 'w')\ndef application(e, s):\n    s('200 OK', [])\n    return [b'well\\n']\n"), 0o600))
				a = &invocation{t: t, args: []string{"--python", python, app}}
			}
			if c.flag != "" {
				a.args = append([]string{c.flag, strings.ReplaceAll(c.value, "%d", fmt.Sprint(stranger()))}, a.args...)
			}
			var pair [2]int
			asStranger(t, func() (err error) {
				pair, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
				return err
			})
			conn, p := a.startOn(pair)
			expectPeer(t, c.log, started, ask(t, conn), p.wait(t))
		}
	}
}

// TestPeerOfBrokenCommandLine checks that strangers are refused, and told nothing, also where the
// command line is wrong.
func TestPeerOfBrokenCommandLine(t *testing.T) {
	t.Parallel()
	for _, wrong := range [][]string{{"--allow-uid", "7", "--concurrency", "-1"}, {"--no-such", "--allow-uid", "7"}, {"--allow-uid", "7", "--nph"}} {
		a := &invocation{t: t, args: append(append([]string{"--debug"}, wrong...), "testdata/pep.py")}
		var pair [2]int
		asStranger(t, func() (err error) {
			pair, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			return err
		})
		conn, p := a.startOn(pair)
		answer := ask(t, conn)
		assert.True(t, strings.HasPrefix(answer, "Status: 403 Forbidden\r\n"), "%q: %s", wrong, answer)
		assert.Contains(t, p.wait(t), "which is not allowed")
	}
}

// expectPeer checks the response to a peer that is allowed, or isn't.
func expectPeer(t *testing.T, why, started, answer, log string) {
	t.Helper()
	if why == "" {
		assert.Contains(t, answer, "\r\n\r\nwell\n", log)
		return
	}
	assert.True(t, strings.HasPrefix(answer, "Status: 403 Forbidden\r\n"), answer)
	assert.NotContains(t, answer, fmt.Sprint(stranger()), "the client gets no details")
	if strings.Contains(why, "%") {
		why = fmt.Sprintf(why, stranger())
	}
	assert.Contains(t, log, "request refused with 403: "+why)
	assert.NoFileExists(t, started)
}

func TestPeerOfListener(t *testing.T) {
	t.Parallel()
	t.Run("cgi", func(t *testing.T) {
		expectPeers(t, func(started string) *invocation { return script(t, "touch "+started+"; "+plain+"echo well") })
	})
	t.Run("wsgi", func(t *testing.T) {
		python := pythons(t)[0]
		expectPeers(t, func(started string) *invocation {
			app := filepath.Join(t.TempDir(), "app.py")
			require.NoError(t, os.WriteFile(app, []byte("def application(e, s):\n    open('"+started+"', 'w')\n    s('200 OK', [])\n    return [b'well\\n']\n"), 0o600))
			return &invocation{t: t, args: []string{"--python", python, "--workers", "1", app}}
		})
	})
}

// expectPeers tries all cases with a warm application, and that leaves a file when it
// is asked.
func expectPeers(t *testing.T, application func(started string) *invocation) {
	for _, c := range peerCases {
		started := filepath.Join(t.TempDir(), "started")
		a := application(started)
		u := newUnit(t, a.args...)
		if c.flag != "" {
			u.args = append([]string{c.flag, strings.ReplaceAll(c.value, "%d", fmt.Sprint(stranger()))}, a.args...)
		}
		require.NoError(t, os.Chmod(u.path, 0o666))
		require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(u.path)), 0o711)) // for the stranger to get there
		p := u.start()
		u.told("READY=1")
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		asStranger(t, func() error { return unix.Connect(fd, &unix.SockaddrUnix{Name: u.path}) })
		file := os.NewFile(uintptr(fd), "connection")
		conn, err := net.FileConn(file)
		require.NoError(t, err)
		file.Close()
		answer := ask(t, conn)
		if c.log != "" && os.Geteuid() == 0 {
			assert.Equal(t, "well\n", u.get("/").body, "root is always let in")
			require.NoError(t, os.Remove(started))
		}
		require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
		expectPeer(t, c.log, started, answer, p.wait(t))
	}
}

// TestPeerOfNetwork checks that a connection without a user is refused.
func TestPeerOfNetwork(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	accepted, err := l.Accept()
	require.NoError(t, err)
	defer accepted.Close()
	var pair [2]int
	for i, c := range []net.Conn{conn, accepted} {
		file, err := c.(*net.TCPConn).File()
		require.NoError(t, err)
		pair[i], err = unix.Dup(int(file.Fd()))
		require.NoError(t, err)
		require.NoError(t, file.Close())
		require.NoError(t, c.Close())
	}
	a := script(t, plain+"echo well", "--allow-uid", "0,"+fmt.Sprint(os.Getuid()))
	ours, p := a.startOn(pair)
	answer := ask(t, ours)
	expectPeer(t, "its peer is not on a unix socket", "/nonexistent", answer, p.wait(t))
}

func TestPeerFlags(t *testing.T) {
	t.Parallel()
	a := script(t, plain, "--allow-uid", "x")
	refused := a.get("/")
	assert.Equal(t, 500, refused.status, "a mistake lets nobody in")
	assert.Contains(t, refused.log, `"x" is not a user id`)
}
