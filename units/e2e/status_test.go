package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// socketgi runs the operator's command on the machine, and returns its output and its exit status.
func (s *site) socketgi(args ...string) (out string, exit int) {
	s.t.Helper()
	out, err := s.Try("/usr/local/bin/socketgi", args...)
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		require.NoError(s.t, err)
	}
	if status != nil {
		exit = status.ExitCode()
	}
	return out, exit
}

// shown is the part of status --json that the test checks.
type shown struct {
	State, Enabled string
	Accept         bool
	DropIns        []string `json:"drop_ins"`
	Active         string   `json:"active_state"`
	Stale          bool     `json:"needs_daemon_reload"`
	Connections    struct{ Accepted, Now, Refused int }
	Limits         struct {
		MaxConnections int `json:"max_connections"`
		Timeout        string
	}
	Slots *struct {
		Total, Waiting int
		InUse          int `json:"in_use"`
	}
	Services []struct {
		Name   string
		Active string `json:"active_state"`
		PID    int
	}
	Requests []struct {
		Method, Path, ID string
		Status, Bytes    int
		MS               float64
	}
	LastError *struct{ ID, Message, Unit string } `json:"last_error"`
	Notes     []string
}

func (s *site) shown(name string) (got shown) {
	s.t.Helper()
	out, err := s.Command("/usr/local/bin/socketgi", "status", name, "--json").Output()
	require.NoError(s.t, json.Unmarshal(out, &got), "%v: %s", err, out)
	return got
}

// TestStatus checks the status of applications that are healthy, busy, full, failed and stopped.
func TestStatus(t *testing.T) {
	s := newSite(t)
	s.serve("bad", "bad.py", "/bad", "--user", "www-data", "--concurrency", "2")
	out, exit := s.socketgi("status", "bad")
	assert.Zero(t, exit)
	assert.Contains(t, out, "● bad.socket - /srv/bad.py\n     Loaded: /etc/systemd/system/bad.socket; enabled\n")
	assert.Contains(t, out, "\nThe journal has no requests. To make one: socketgi get bad /\n")
	assert.NotContains(t, out, "\x1b", "no colour where no terminal is")

	s.get("/bad/?secret")
	s.get("/bad/raise")
	s.allEnded("bad")
	got := s.shown("bad")
	assert.Equal(t, "listening", got.State)
	assert.Equal(t, "enabled", got.Enabled)
	assert.True(t, got.Accept)
	assert.Equal(t, 2, got.Connections.Accepted)
	assert.Zero(t, got.Connections.Now+got.Connections.Refused+got.Slots.InUse+got.Slots.Waiting+len(got.Services)+len(got.DropIns)+len(got.Notes))
	assert.Equal(t, 1024, got.Limits.MaxConnections)
	require.Len(t, got.Requests, 2)
	newest, first := got.Requests[0], got.Requests[1]
	assert.Equal(t, "GET /bad/raise 500", fmt.Sprint(newest.Method, " ", newest.Path, " ", newest.Status))
	assert.Equal(t, "GET /bad/ 200", fmt.Sprint(first.Method, " ", first.Path, " ", first.Status))
	assert.Equal(t, 4, first.Bytes)
	assert.Positive(t, first.MS)
	require.NotNil(t, got.LastError)
	assert.Equal(t, newest.ID, got.LastError.ID)
	assert.Contains(t, got.LastError.Message, "Traceback")
	out, _ = s.socketgi("status", "bad")
	assert.Regexp(t, `(?m)^Connections: 2 accepted, 0 now, 0 refused$`, out)
	assert.Regexp(t, `(?m)^      Slots: 0 of 2 in use$`, out)
	assert.Regexp(t, `(?m)^  ... .. ..:..:.. 500 +[0-9.]+ ms +79B GET /bad/raise\n  ... .. ..:..:.. 200 +[0-9.]+ ms +4B GET /bad/$`, out)
	assert.Regexp(t, `(?m)^Last error: .* ago\n  RuntimeError: secret detail\n  details: socketgi logs bad --id `+newest.ID+`$`, out)
	assert.NotContains(t, out, "Traceback")
	assert.Less(t, strings.Count(out, "\n"), 25, "one screen")

	// Two requests take the slots, a third waits, and a fourth is refused.
	s.Write("/etc/systemd/system/bad.socket.d/few.conf", "[Socket]\nMaxConnections=3\n")
	assert.Contains(t, s.Run("/usr/local/bin/socketgi", "list"), "bad  listening enabled yes    -         1        /run/socketgi/bad.sock /srv/bad.py\n")
	assert.True(t, s.shown("bad").Stale)
	s.Run("systemctl", "daemon-reload")
	hang, err := scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "PATH_INFO", Value: "/hang"}})
	require.NoError(t, err)
	var hanging []net.Conn
	for i := range 3 {
		c, err := net.Dial("unix", s.Path("/run/socketgi/bad.sock"))
		require.NoError(t, err)
		defer c.Close()
		_, err = c.Write(hang)
		require.NoError(t, err)
		hanging = append(hanging, c)
		s.Wait("the request to have its place", func() error {
			got = s.shown("bad")
			if got.Connections.Now != i+1 || got.Slots.InUse != min(i+1, 2) || got.Slots.Waiting != max(0, i-1) || len(got.Services) != i+1 {
				return fmt.Errorf("%+v", got)
			}
			return nil
		})
	}
	assert.False(t, got.Stale)
	assert.Equal(t, []string{"/etc/systemd/system/bad.socket.d/few.conf"}, got.DropIns)
	assert.Equal(t, 3, got.Limits.MaxConnections)
	assert.Regexp(t, `^bad@2-.*\.service$`, got.Services[0].Name, "oldest first")
	assert.Equal(t, "active", got.Services[0].Active)
	assert.Positive(t, got.Services[0].PID)
	assert.Equal(t, 502, s.get("/bad/").StatusCode)
	assert.Equal(t, 1, s.shown("bad").Connections.Refused)
	out, exit = s.socketgi("get", "bad", "/")
	assert.Equal(t, 1, exit)
	assert.Equal(t, "socketgi: the connection was closed without a response: socketgi logs bad\n", out)
	out, _ = s.socketgi("status", "bad")
	assert.Contains(t, out, "   Drop-Ins: /etc/systemd/system/bad.socket.d/few.conf\n")
	assert.Contains(t, out, "Connections: 5 accepted, 3 now, 2 refused\n")
	assert.Contains(t, out, "      Slots: 2 of 2 in use, 1 waiting\n")
	assert.Regexp(t, `(?m)^    Running: bad@2-\S+ active \(running\) for `, out)
	for _, c := range hanging {
		c.Close()
	}
	s.Run("systemctl", "stop", "bad@*")
	s.allEnded("bad")

	// systemd can't start it.
	s.Write("/etc/systemd/system/bad@.service.d/user.conf", "[Service]\nUser=nobody-like-that\n")
	s.Run("systemctl", "daemon-reload")
	assert.Equal(t, 502, s.get("/bad/").StatusCode)
	s.Wait("the journal to have it", func() error {
		if e := s.shown("bad").LastError; e == nil || !strings.Contains(e.Message, "Failed at step USER") {
			return fmt.Errorf("%+v", e)
		}
		return nil
	})
	out, _ = s.socketgi("logs", "bad", "--errors")
	assert.Contains(t, out, "Failed at step USER")

	// Stopped, failed, and missing.
	s.Run("systemctl", "disable", "--now", "--quiet", "bad.socket")
	out, exit = s.socketgi("status", "bad")
	assert.Equal(t, 3, exit)
	assert.Contains(t, out, "/bad.socket; disabled\n")
	assert.Contains(t, out, "     Active: inactive (dead)\n")
	assert.Contains(t, out, "start it: systemctl start bad.socket\n")
	assert.Equal(t, "stopped", s.shown("bad").State)
	out, exit = s.socketgi("get", "bad", "/")
	assert.Equal(t, 1, exit)
	assert.Equal(t, "socketgi: nothing listens at /run/socketgi/bad.sock: systemctl start bad.socket\n", out)
	s.Write("/etc/systemd/system/bad.socket.d/few.conf", "[Socket]\nExecStartPre=/bin/false\n")
	s.Run("systemctl", "daemon-reload")
	_, err = s.Try("systemctl", "start", "bad.socket")
	require.Error(t, err)
	out, exit = s.socketgi("status", "bad")
	assert.Equal(t, 3, exit)
	assert.Contains(t, out, "     Active: failed (exit-code) since ")
	assert.Regexp(t, `(?m)^bad +failed +disabled +yes +- +2 `, s.Run("/usr/local/bin/socketgi", "list"))
	out, exit = s.socketgi("status", "nothere")
	assert.Equal(t, 4, exit)
	assert.Equal(t, "socketgi: nothere: no such application; see socketgi list\n", out)
}

// TestStatusWarm checks the status of a warm application.
func TestStatusWarm(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/hello.cgi", "#!/bin/sh\necho hello on stderr >&2\nprintf 'Content-Type: text/plain\\n\\nhello\\n'\n")
	s.Run("chmod", "755", "/srv/hello.cgi")
	s.install(s.Run("/usr/local/bin/socketgi", "units", "warm", "--user", "www-data", "--accept", "no", "--cgi", "/srv/hello.cgi"))
	s.start("warm")
	out, exit := s.socketgi("status", "warm")
	assert.Zero(t, exit)
	assert.Contains(t, out, "Accept: no: warm.service accepts\n")
	assert.Contains(t, out, "Running: warm.service inactive (dead)\n")
	assert.Equal(t, "hello\n", s.Run("/usr/local/bin/socketgi", "get", "warm", "/x"))
	got := s.shown("warm")
	assert.Equal(t, "running", got.State)
	assert.False(t, got.Accept)
	assert.Nil(t, got.Slots, "the adapter counts by itself")
	require.Len(t, got.Services, 1)
	assert.Equal(t, "active", got.Services[0].Active)
	s.Wait("the request to be in the journal", func() error {
		if got = s.shown("warm"); len(got.Requests) != 1 {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
	assert.Equal(t, "/x", got.Requests[0].Path)
	out = s.Run("/usr/local/bin/socketgi", "logs", "warm", "--id", got.Requests[0].ID)
	assert.Regexp(t, `^\S+ \S+ \S+ -   hello on stderr\n\S+ \S+ \S+ 200 GET /x, 6B, [0-9.]+ ms\n$`, out)
	assert.Contains(t, s.Run("/usr/local/bin/socketgi", "list"), "warm running enabled no     CGI       -        /run/socketgi/warm.sock /srv/hello.cgi\n")
	s.Run("systemctl", "stop", "warm.socket", "warm.service")
	out, exit = s.socketgi("status", "warm")
	assert.Equal(t, 3, exit)
	assert.Contains(t, out, "inactive (dead)")
}

// TestLogs follows the log of one of two applications.
func TestLogs(t *testing.T) {
	s := newSite(t)
	s.serve("app", "bad.py", "/app", "--user", "www-data")
	s.serve("app2", "bad.py", "/app2", "--user", "www-data")
	s.get("/app/before")
	s.get("/app2/other")
	s.allEnded("app")
	s.allEnded("app2")
	s.logged("app@*", map[string]string{"SOCKETGI_PATH": "/app/before"})

	follow := s.Command("/usr/local/bin/socketgi", "logs", "app", "-f", "-n", "1")
	pipe, err := follow.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, follow.Start())
	defer func() { _ = follow.Process.Kill() }()
	require.NoError(t, pipe.(*os.File).SetReadDeadline(time.Now().Add(machine.Deadline)))
	r := bufio.NewReader(pipe)
	next := func() string {
		line, err := r.ReadString('\n')
		require.NoError(t, err)
		return line[len("Jan 02 15:04:05 "):]
	}
	assert.Regexp(t, `^200 GET /app/before, 4B, [0-9.]+ ms\n$`, next())
	s.get("/app2/other")
	out := s.Run("/usr/local/bin/socketgi", "get", "app", "/after", "-i")
	id := regexp.MustCompile(`socketgi logs app --id ([0-9a-f]{32})\n`).FindStringSubmatch(out)
	require.NotNil(t, id, "%s", out)
	// Printed lines reach the journal as a stream, and a record as a separate message: their order is
	// undefined.
	both := []string{next(), next()}
	slices.Sort(both)
	assert.Equal(t, "-   printed, and not in the response\n", both[0])
	assert.Regexp(t, `^200 GET /after, 4B, [0-9.]+ ms\n$`, both[1])
	s.get("/app/raise")
	assert.Equal(t, "err Traceback (most recent call last):\n", next())
	// Ctrl-C ends it together with journalctl.
	s.Run("pkill", "-INT", "-f", "^/usr/local/bin/socketgi logs app -f")
	_, err = io.ReadAll(r)
	require.NoError(t, err)
	assert.NoError(t, follow.Wait())
	s.Wait("journalctl to end", func() error {
		if out, err := s.Try("pgrep", "-x", "journalctl"); err == nil {
			return fmt.Errorf("%s", out)
		}
		return nil
	})

	out = s.Run("/usr/local/bin/socketgi", "logs", "app", "--id", id[1])
	assert.Contains(t, out, "-   printed, and not in the response\n", "what it printed is of the same instance")
	assert.Contains(t, out, "200 GET /after, ")
	assert.NotContains(t, out, "/app/before")
	assert.NotContains(t, out, "Traceback")
	out = s.Run("/usr/local/bin/socketgi", "logs", "app", "-n", "all")
	assert.Contains(t, out, "Listening on app.socket")
	assert.NotContains(t, out, "app2")
	out = s.Run("/usr/local/bin/socketgi", "logs", "app", "--errors", "--since", "-1h")
	assert.Regexp(t, `^... .. ..:..:.. err Traceback .*\n {20}  File "/srv/bad.py".*\n(.*\n)* {20}RuntimeError: secret detail\n {20}\[[0-9a-f]{32}\]\n... .. ..:..:.. 500 GET /app/raise, .*\n$`, out)

	// Another user may neither read the journal nor connect; the message names the users who may.
	as := func(args ...string) (string, error) {
		return s.Try("setpriv", append([]string{"--reuid=nobody", "--regid=nogroup", "--clear-groups", "/usr/local/bin/socketgi"}, args...)...)
	}
	out, err = as("logs", "app")
	assert.Error(t, err)
	assert.Contains(t, out, "permission denied for the system's journal: run it as root, or join a group that may")
	out, err = as("get", "app", "/")
	assert.Error(t, err)
	assert.Equal(t, "socketgi: permission denied to connect to /run/socketgi/app.sock: only root and the group www-data may\n", out)
	out, err = as("status", "app")
	assert.NoError(t, err)
	assert.Contains(t, out, "3 accepted")
	assert.Contains(t, out, "note: last requests and errors: permission denied for the system's journal")
	assert.Contains(t, out, "note: slots: ")
	out, err = as("list")
	assert.NoError(t, err)
	assert.Contains(t, out, "2 applications listed.")
}

// TestGet sends a request to an application that listens at a port, without nginx.
func TestGet(t *testing.T) {
	s := newSite(t)
	s.serve("tcp", "bad.py", "/tcp", "--user", "www-data", "--listen", "127.0.0.1:9000")
	assert.Equal(t, "good", s.Run("/usr/local/bin/socketgi", "get", "tcp", "/"))
	out, exit := s.socketgi("get", "tcp", "/raise", "--fail")
	assert.Equal(t, 22, exit)
	assert.Contains(t, out, "The application failed.")
	out, exit = s.socketgi("get", "tcp", "/midway")
	assert.Equal(t, 1, exit)
	assert.Contains(t, out, "socketgi: the response is incomplete: the connection was reset: socketgi logs tcp\n")
	out, exit = s.socketgi("get", "tcp", "/hang", "--timeout", "200ms")
	assert.Equal(t, 1, exit)
	assert.Equal(t, "socketgi: no data for 200ms: socketgi logs tcp; or use a longer --timeout\n", out)
	s.Run("systemctl", "stop", "tcp@*")
	s.allEnded("tcp")

	// The client closes the connection, and the application ends.
	assert.Equal(t, "1000000\n", s.Run("sh", "-c", "socketgi get tcp /wait --raw | head -c 1000000 | wc -c"))
	s.allEnded("tcp")
}
