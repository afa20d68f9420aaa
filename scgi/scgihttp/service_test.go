package scgihttp

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// child is this test binary as a service.
type child struct {
	*exec.Cmd
	stdout, stderr bytes.Buffer
}

func command(env []string, files ...*os.File) *child {
	c := &child{Cmd: exec.Command(os.Args[0])}
	c.Env = append([]string{"SERVE=1", "GORACE=atexit_sleep_ms=0", "LISTEN_PID=self", fmt.Sprintf("LISTEN_FDS=%d", len(files))}, env...)
	c.ExtraFiles = files
	c.Stdout, c.Stderr = &c.stdout, &c.stderr
	return c
}

// run starts the service; it is killed if it outlives the test.
func (c *child) run(t *testing.T) {
	t.Helper()
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill() }) // which fails when it has ended
}

// end waits for the service to succeed.
func (c *child) end(t *testing.T) {
	t.Helper()
	timer := time.AfterFunc(timeout, func() { _ = c.Process.Kill() })
	defer timer.Stop()
	require.NoError(t, c.Wait(), "%s", &c.stderr)
}

// listening returns a socket that the test, like systemd, keeps open.
func listening(t *testing.T, network string) (*os.File, *site) {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	f, err := l.(interface{ File() (*os.File, error) }).File()
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f, &site{t: t, network: network, address: l.Addr().String()}
}

// connected returns both ends of a connection, that of the web server first.
func connected(t *testing.T) (*os.File, *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	a, b := os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

func TestHandedConnection(t *testing.T) {
	a, b := connected(t)
	c := command([]string{"LISTEN_FDNAMES=connection"}, b)
	_, err := a.Write(request(t, "", "REQUEST_URI", "/path"))
	require.NoError(t, err)
	c.run(t)
	answer, err := io.ReadAll(a) // ends although b is open here, too
	require.NoError(t, err)
	assert.Equal(t, "Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 16\r\n\r\nconnection /path", string(answer))
	require.NoError(t, a.Close())
	c.end(t)
	assert.Equal(t, "not for the web server\n", c.stdout.String())
}

// TestHandedStdin is inetd's way: the connection is standard input, output and error.
func TestHandedStdin(t *testing.T) {
	a, b := connected(t)
	c := command(nil)
	c.Stdin, c.Stdout, c.Stderr = b, b, b
	_, err := a.Write(request(t, "", "REQUEST_URI", "/path"))
	require.NoError(t, err)
	c.run(t)
	require.NoError(t, b.Close())
	answer, err := io.ReadAll(a)
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(string(answer), "Status: 200 OK\r\n"), "%s", answer)
	assert.True(t, strings.HasSuffix(string(answer), "\r\n\r\n /path"), "%s", answer)
	require.NoError(t, a.Close())
	c.end(t)
}

func TestHandedNothing(t *testing.T) {
	c := command(nil)
	assert.Error(t, c.Run())
	assert.Contains(t, c.stderr.String(), "no socket was passed to this process")
}

// TestHandedListeners serves several sockets, tells the service manager how it is, and
// drains on SIGTERM.
func TestHandedListeners(t *testing.T) {
	web, webSite := listening(t, "unix")
	admin, adminSite := listening(t, "tcp")
	dir := t.TempDir()
	notify, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	require.NoError(t, err)
	defer notify.Close()
	require.NoError(t, notify.SetReadDeadline(time.Now().Add(timeout)))
	gate, err := net.Listen("unix", filepath.Join(dir, "gate"))
	require.NoError(t, err)
	defer gate.Close()
	expect := func(state string) {
		t.Helper()
		buf := make([]byte, 100)
		for {
			n, err := notify.Read(buf)
			require.NoError(t, err)
			if got := string(buf[:n]); got == state {
				return
			} else if got != "WATCHDOG=1" {
				require.Equal(t, state, got)
			}
		}
	}

	c := command([]string{"LISTEN_FDNAMES=web:admin", "NOTIFY_SOCKET=" + filepath.Join(dir, "notify"), "WATCHDOG_USEC=20000",
		"GATE=" + filepath.Join(dir, "gate")}, web, admin)
	c.run(t)
	expect("READY=1")
	assert.Contains(t, webSite.get(), "\r\n\r\nweb /")
	assert.Contains(t, adminSite.get(), "\r\n\r\nadmin /")
	expect("WATCHDOG=1")

	slow := webSite.dial()
	_, err = slow.Write(request(t, "", "REQUEST_URI", "/wait"))
	require.NoError(t, err)
	inHandler, err := gate.Accept()
	require.NoError(t, err)
	require.NoError(t, c.Process.Signal(syscall.SIGTERM))
	expect("STOPPING=1")
	next := webSite.dial() // is not lost
	_, err = next.Write(request(t, "", "REQUEST_URI", "/next"))
	require.NoError(t, err)
	expect("WATCHDOG=1")
	require.NoError(t, inHandler.Close())
	answer, err := io.ReadAll(slow)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "waited")
	c.end(t)
	assert.FileExists(t, webSite.address)

	c = command([]string{"IDLE_EXIT=50ms"}, web)
	c.run(t)
	answer, err = io.ReadAll(next)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "\r\n\r\n /next")
	c.end(t) // being idle
	assert.FileExists(t, webSite.address)
}

// TestIdleExit has clients connect while the server is leaving, again and again, and
// starts the next one when there is somebody in the socket, as systemd does. Nobody is
// lost.
func TestIdleExit(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		t.Run(network, func(t *testing.T) {
			f, s := listening(t, network)
			var left atomic.Int32
			var clients sync.WaitGroup
			const each = 100
			for range 4 {
				left.Add(1)
				clients.Add(1)
				go func() {
					defer clients.Done()
					defer left.Add(-1)
					for range each {
						answer, err := s.ask("a body")
						if !assert.NoError(t, err) || !assert.Contains(t, answer, "hello") {
							return
						}
						// Come back about when the server leaves.
						<-time.After(time.Duration(rand.IntN(3000)) * time.Microsecond)
					}
				}()
			}
			activations, served := 0, atomic.Int32{}
			for left.Load() > 0 {
				fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
				if n, err := unix.Poll(fds, 10); err != nil || n == 0 {
					continue
				}
				l, err := net.FileListener(f)
				require.NoError(t, err)
				srv := &Server{IdleExit: time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					served.Add(1)
					hello(w, r)
				})}
				require.NoError(t, srv.Serve(l))
				activations++
			}
			clients.Wait()
			assert.Equal(t, int32(4*each), served.Load())
			assert.Greater(t, activations, 10)
		})
	}
}
