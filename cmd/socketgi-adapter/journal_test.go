package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi/scgihttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// entryPatience is how long an entry waits for a journald that doesn't read (internal/journal).
const entryPatience = 100 * time.Millisecond

// unreadJournal is a journald that doesn't read: its sockets, where processes find them
// that are started in it.
type unreadJournal struct {
	t      *testing.T
	dir    string
	socket *net.UnixConn
	stream *os.File // into it, as systemd opens one for standard error
}

// inJournal gives a command a /run of its own, with the journal's sockets.
const inJournal = `mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal && mount --bind "$1" /run/systemd/journal && shift && LISTEN_PID=$$ exec "$@"`

func newUnreadJournal(t *testing.T) *unreadJournal {
	t.Helper()
	j := &unreadJournal{t: t, dir: t.TempDir()}
	if out, err := j.command("true").CombinedOutput(); err != nil && os.Geteuid() != 0 {
		t.Skipf("this user can't mount, not even for themselves: %v: %s", err, out)
	}
	var err error
	j.socket, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: filepath.Join(j.dir, "socket")})
	require.NoError(t, err)
	t.Cleanup(func() { j.socket.Close() })
	stdout, err := net.Listen("unix", filepath.Join(j.dir, "stdout"))
	require.NoError(t, err)
	t.Cleanup(func() { stdout.Close() })
	stream, err := net.Dial("unix", stdout.Addr().String())
	require.NoError(t, err)
	defer stream.Close()
	j.stream, err = stream.(*net.UnixConn).File()
	require.NoError(t, err)
	t.Cleanup(func() { j.stream.Close() })
	return j
}

func (j *unreadJournal) command(arg ...string) *exec.Cmd {
	unshare := []string{"--mount"}
	if os.Geteuid() != 0 {
		unshare = append(unshare, "--user", "--map-root-user")
	}
	return exec.Command("unshare", append(append(unshare, "sh", "-c", inJournal, "sh", j.dir), arg...)...)
}

// fill sends entries until there is no place for another one.
func (j *unreadJournal) fill() {
	j.t.Helper()
	c, err := openJournalAt(filepath.Join(j.dir, "socket"))
	require.NoError(j.t, err)
	defer unix.Close(c)
	for err == nil {
		err = unix.Sendto(c, []byte("MESSAGE=full\n"), unix.MSG_DONTWAIT, nil)
	}
	require.Equal(j.t, unix.EAGAIN, err)
}

func openJournalAt(path string) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	return fd, unix.Connect(fd, &unix.SockaddrUnix{Name: path})
}

// read reads entries until one has this text, and returns all of them.
func (j *unreadJournal) read(until string) (all string) {
	j.t.Helper()
	buf := make([]byte, 64<<10)
	require.NoError(j.t, j.socket.SetReadDeadline(time.Now().Add(60*time.Second)))
	for !strings.Contains(all, until) {
		n, err := j.socket.Read(buf)
		require.NoError(j.t, err, "%s", all)
		all += string(buf[:n]) + "\n"
	}
	return all
}

// start starts an adapter whose standard error is the journal's.
func (j *unreadJournal) start(env, args []string, handed *os.File) *process {
	j.t.Helper()
	p := &process{cmd: j.command(append([]string{os.Args[0]}, args...)...), ended: make(chan struct{})}
	var st unix.Stat_t
	require.NoError(j.t, unix.Fstat(int(j.stream.Fd()), &st))
	p.cmd.Env = append(append(os.Environ(), "BE_ADAPTER=1", fmt.Sprintf("JOURNAL_STREAM=%d:%d", st.Dev, st.Ino)), env...)
	p.cmd.Stderr, p.cmd.ExtraFiles = j.stream, []*os.File{handed}
	require.NoError(j.t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	j.t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// TestUnreadJournal has requests answered while journald is stopped, and processes end.
func TestUnreadJournal(t *testing.T) {
	t.Parallel()
	j := newUnreadJournal(t)
	get := func() int {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
		conn, err := net.FileConn(ours)
		ours.Close()
		require.NoError(t, err)
		// Not as its standard input: what inetd starts has no journal of its own.
		p := j.start([]string{"LISTEN_FDS=1", "LISTEN_FDNAMES=connection"}, []string{"testdata/warm.py"}, theirs)
		theirs.Close()
		client := &http.Client{Timeout: 60 * time.Second, Transport: &scgihttp.Transport{Dial: func(context.Context) (net.Conn, error) { return conn, nil }}}
		resp, err := client.Get("http://localhost/raise")
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		resp.Body.Close()
		p.wait(t)
		return resp.StatusCode
	}
	assert.Equal(t, 500, get())
	assert.Contains(t, j.read("SOCKETGI_STATUS=500"), "RuntimeError: on purpose", "what is read is logged")
	j.fill()
	assert.Equal(t, 500, get())
}

// TestUnreadJournalListening is the same where it listens.
func TestUnreadJournalListening(t *testing.T) {
	t.Parallel()
	j := newUnreadJournal(t)
	u := newUnit(t)
	j.fill()
	p := j.start([]string{"LISTEN_FDS=1", "NOTIFY_SOCKET=" + u.notify.LocalAddr().String()},
		[]string{"--workers", "1", "testdata/warm.py"}, u.socket)
	u.told("READY=1")
	for start := time.Now(); time.Since(start) < 2*entryPatience; {
		assert.Equal(t, 500, u.get("/raise").status)
	}
	assert.Equal(t, 200, u.get("/").status)
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
	p.wait(t)
}
