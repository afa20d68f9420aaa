package e2e

import (
	"debug/elf"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script writes a shell script on the machine.
func (s *site) script(path, text string) {
	s.t.Helper()
	s.Write(path, "#!/bin/sh\n"+text)
	require.NoError(s.t, os.Chmod(s.Path(path), 0o755))
}

// foreignProgram returns the header of a program for another architecture.
func foreignProgram() string {
	h := make([]byte, 64)
	copy(h, elf.ELFMAG)
	h[elf.EI_CLASS], h[elf.EI_DATA], h[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2MSB), byte(elf.EV_CURRENT)
	h[17], h[19], h[23], h[53] = byte(elf.ET_EXEC), byte(elf.EM_S390), byte(elf.EV_CURRENT), 64
	return string(h)
}

// TestCGIFaults requests programs with each fault, and programs that can't be run.
func TestCGIFaults(t *testing.T) {
	s := newSite(t)
	for path, text := range map[string]string{
		"silent":        "exit 3",
		"unfinished":    "echo 'Content-Type: text/plain'",
		"garbage":       "echo hello; echo; echo secret",
		"nothing-said":  "echo 'X-Some: header'; echo; echo secret",
		"chunked":       `printf 'Content-Type: text/plain\nTransfer-Encoding: chunked\n\n0\r\n\r\n'`,
		"big-head":      `printf 'Content-Type: text/plain\nX-Big: %033000d\n\n' 1`,
		"killed":        "kill -KILL $$",
		"out-and-gone":  "exec >&-; sleep 1000",
		"nph-no-status": "echo 'Content-Type: text/plain'; echo",
		"hang":          "sleep 1000",
		"plain":         "",
		"hidden/x":      "",
		"windows":       "",
		"windows-env":   "",
		"python2":       "",
	} {
		s.script("/srv/cgi/"+path, text)
	}
	require.NoError(t, os.Chmod(s.Path("/srv/cgi/plain"), 0o644))
	require.NoError(t, os.Chmod(s.Path("/srv/cgi/hidden"), 0o700))
	for path, text := range map[string]string{
		"windows":     "#!/bin/sh\r\necho\r\n",
		"windows-env": "#!/usr/bin/env sh\r\necho\r\n",
		"python2":     "#!/usr/bin/no-such-python\n",
		"foreign":     foreignProgram(),
		"empty":       "",
		"text":        "echo hello\n",
	} {
		s.Write("/srv/cgi/"+path, text)
		require.NoError(t, os.Chmod(s.Path("/srv/cgi/"+path), 0o755))
	}
	require.NoError(t, os.Symlink("/bin/true", s.Path("/srv/cgi/out")))
	require.NoError(t, os.Symlink("..", s.Path("/srv/cgi/up")))
	require.NoError(t, os.Symlink("loop", s.Path("/srv/cgi/loop")))

	for _, mode := range modes {
		bad := program{name: "bad-" + mode, accept: mode, flags: []string{"--user", "www-data"}, run: []string{"--cgi-root", "/srv/cgi"}}
		slow, idle := bad, bad
		slow.name, slow.flags = "slow-"+mode, append(slow.flags, "--timeout", "400ms")
		idle.name, idle.flags = "idle-"+mode, append(idle.flags, "--idle-timeout", "300ms")
		s.serveCGI(bad, slow, idle)
		for _, c := range []struct {
			p      program
			path   string
			status int
			log    string
		}{
			{bad, "silent", 502, "exited with status 3, without a byte of a response"},
			{bad, "unfinished", 502, `before an empty line ended the head of its response: "Content-Type: text/plain\n"`},
			{bad, "garbage", 502, `line 1 of the header, "hello": is not a header`},
			{bad, "nothing-said", 502, "the header has none of Content-Type, Location and Status"},
			{bad, "chunked", 502, "Transfer-Encoding: chunked is not allowed: send the body unencoded"},
			{bad, "big-head", 502, "header of the program's response exceeds 32768 bytes"},
			{bad, "killed", 502, "was killed by SIGKILL"},
			{bad, "out-and-gone", 502, "closed its output without a byte"},
			{bad, "nph-no-status", 502, "expected a status line"},
			{bad, "missing", 404, "/srv/cgi/missing does not exist"},
			{bad, "missing/further/down", 404, "/srv/cgi/missing does not exist"},
			{bad, "", 403, "/srv/cgi is a directory"},
			{bad, "hidden/x", 403, "this user may not enter a directory of its path"},
			{bad, "plain", 403, "is not executable: chmod +x /srv/cgi/plain"},
			{bad, "out", 403, "leads out of /srv/cgi by a symbolic link"},
			{bad, "up/env.sh", 403, "leads out of /srv/cgi by a symbolic link"},
			{bad, "loop", 403, "too many symbolic links"},
			{bad, "windows", 500, "its first line ends in CR LF"},
			{bad, "windows-env", 500, "its first line ends in CR LF"},
			{bad, "python2", 500, "the interpreter /usr/bin/no-such-python in its first line does not exist"},
			{bad, "foreign", 500, "it is built for S390, but this machine is "},
			{bad, "empty", 500, "it is empty"},
			{bad, "text", 500, "neither a program nor a script"},
			{slow, "hang", 504, "no end of the response after 400ms"},
			{idle, "hang", 504, "the program sent nothing for 300ms"},
		} {
			t.Run(c.p.name+"/"+c.path, func(t *testing.T) {
				got := s.get("/" + c.p.name + "/" + c.path)
				assert.Equal(t, c.status, got.StatusCode)
				assert.NotContains(t, got.body, "secret")
				assert.NotContains(t, got.body, "/srv")
				id := got.Header.Get("Socketgi-Request-Id")
				require.Regexp(t, `^[0-9a-f]{32}$`, id, "%s", got.body)
				assert.Contains(t, got.body, "request "+id+".")
				priority := "3"
				if c.status < 500 {
					priority = "4" // clients can request anything
				}
				problem := s.logged(c.p.units(), map[string]string{"SOCKETGI_REQUEST_ID": id, "PRIORITY": priority})
				assert.Contains(t, problem["MESSAGE"], c.log)
				record := s.logged(c.p.units(), map[string]string{"SOCKETGI_REQUEST_ID": id, "SOCKETGI_STATUS": fmt.Sprint(c.status)})
				assert.Equal(t, "/"+c.p.name+"/"+c.path, record["SOCKETGI_PATH"])
			})
		}
		t.Run(bad.name+"/dots", func(t *testing.T) {
			// nginx has resolved them already; other web servers may not.
			for name, value := range map[string]string{"PATH_INFO": "/../../bin/true", "SCRIPT_FILENAME": "/srv/cgi/../../bin/true"} {
				got := s.raw(bad, scgi.Header{Name: name, Value: value})
				assert.True(t, strings.HasPrefix(got, "Status: 404 "), "%s=%s: %s", name, value, got)
			}
		})
		for _, p := range []program{bad, slow, idle} {
			s.noneLeft(p)
		}
	}
}

// raw sends a request by SCGI, without nginx, and returns the response.
func (s *site) raw(p program, headers ...scgi.Header) string {
	s.t.Helper()
	request, err := scgi.AppendRequest(nil, 0, append([]scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "SCRIPT_NAME"}}, headers...))
	require.NoError(s.t, err)
	c, err := net.Dial("unix", s.Path("/run/socketgi/"+p.name+".sock"))
	require.NoError(s.t, err)
	defer c.Close()
	require.NoError(s.t, c.SetDeadline(time.Now().Add(time.Minute)))
	_, err = c.Write(request)
	require.NoError(s.t, err)
	got, err := io.ReadAll(c)
	require.NoError(s.t, err)
	return string(got)
}

// TestCGICut checks that clients can detect an incomplete response.
func TestCGICut(t *testing.T) {
	s := newSite(t)
	begin := "printf 'Content-Type: text/plain\\n\\nbegun\\n'\n"
	s.script("/srv/cgi/short", `printf 'Content-Type: text/plain\nContent-Length: 100\n\nbegun\n'`)
	s.script("/srv/cgi/killed", begin+"kill -SEGV $$")
	s.script("/srv/cgi/silent", begin+"sleep 1000")
	s.script("/srv/cgi/endless", begin+"while :; do echo more; done")
	for _, mode := range modes {
		p := program{name: "cut-" + mode, accept: mode, flags: []string{"--user", "www-data", "--timeout", "500ms", "--idle-timeout", "200ms"},
			run: []string{"--cgi-root", "/srv/cgi"}}
		s.serveCGI(p)
		for path, log := range map[string]string{
			"short":   "the program's output ended 94 bytes before the Content-Length of 100 that it announced",
			"killed":  "the program died of SIGSEGV in the middle of its response",
			"silent":  "the program sent nothing for 200ms",
			"endless": "no end of the response after 500ms",
		} {
			t.Run(p.name+"/"+path, func(t *testing.T) {
				got := s.get("/" + p.name + "/" + path)
				assert.Equal(t, 200, got.StatusCode)
				assert.Error(t, got.err, "the client can tell that the response isn't whole")
				s.logged(p.units(), map[string]string{"SOCKETGI_PATH": "/" + p.name + "/" + path, "PRIORITY": "3", "MESSAGE": log})
			})
		}
		s.noneLeft(p)
	}
}
