package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script writes a shell script, and returns how the adapter runs it.
func script(t *testing.T, text string, flags ...string) *invocation {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.cgi")
	executable(t, path, "#!/bin/sh\n"+text+"\n")
	return &invocation{t: t, args: append(flags, "--cgi", path)}
}

// executable writes a program. A program that is open for writing can't be executed,
// also where it is a child process between fork and exec that has it open.
func executable(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
}

const plain = `printf 'Content-Type: text/plain\n\n'; `

func TestCGI(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		script string
		status int
		body   string
		log    string
	}{
		{plain + `echo "$REQUEST_METHOD $QUERY_STRING $PATH_INFO $GATEWAY_INTERFACE"`, 200, "GET a=b&c /x CGI/1.1\n", "GET /x 200"},
		{plain + `[ "$PWD/script.cgi" = "$SCRIPT_FILENAME" ] && echo there`, 200, "there\n", ""},
		{`printf 'Status: 404 None\r\nContent-Type: a/b\r\n\r\nnothing'`, 404, "nothing", "GET /x 404"},
		{plain + `echo out; echo first >&2; printf 'second\n\n<3>third' >&2`, 200, "out\n", " second\n"},
		{plain + `echo well; exit 3`, 200, "well\n", "exit status 3"},
		{`exit 3`, 502, "", "the program exited with status 3, without a byte of a response"},
		{`printf 'Content-Type: text/plain\n'`, 502, "", `before an empty line ended the head of its response: "Content-Type: text/plain\n"`},
		{`echo Hello world`, 502, "", "before an empty line"},
		{`printf 'Hello\n\nworld'`, 502, "", `line 1 of the header, "Hello": is not a header`},
		{`printf 'Content-Type: a/b\n'; head -c 40000 /dev/zero | tr '\0' x; printf '\n\n'`, 502, "", "header of the program's response exceeds 32768 bytes"},
		{`kill -9 $$`, 502, "", "was killed by SIGKILL"},
		{`kill -SEGV $$`, 502, "", "died of SIGSEGV"},
		{`exec /nonexistent/program`, 500, "", "exited with status 127"},
		{`printf 'Location: http://other/\n\n'`, 302, "", ""},
		{`printf 'Content-Type: a/b\nContent-Length: 3\n\nabcdef'`, 200, "abc", ""},
		{`printf 'Status: 204\n\nabcdef'`, 204, "", ""},
		{plain + `exec >&-; true`, 200, "", ""},
		{`printf '<!--: spam\r\nContent-Type: text/html\r\n\r\n<body> -->the traceback'`, 200, "<body> -->the traceback", ""},
		{plain + `echo $REDIRECT_STATUS`, 200, "200\n", ""},
		// Output in place of a head is in the log, up to a limit.
		{`printf 'Hello\n\nTraceback\n'; sleep 0.01; printf '\tthe \33cause'; exec >&-; sleep 0.01`, 502, "", "is not a header \"Name: value\"; the body must follow an empty line. " +
			"Its output:\n  Hello\n  \n  Traceback\n          the \\x1bcause\n"},
		{`printf 'the first\n'; head -c 5000 /dev/zero | tr '\0' x`, 502, "", "Its output:\n  the first\n  " + strings.Repeat("x", 4086) + "\n  ...\n"},
		{`printf 'the first\n\n'; head -c 50000 /dev/zero | tr '\0' x`, 502, "", "Its output:\n  the first\n  \n  " + strings.Repeat("x", 4085)}, // and "..." if more had arrived
		{`printf 'X: '; head -c 40000 /dev/zero | tr '\0' x; printf '\n\n'`, 502, "", "Its output:\n  X: " + strings.Repeat("x", 4093) + "\n  ...\n"},
	} {
		got := script(t, c.script).get("/x?a=b&c")
		assert.Equal(t, c.status, got.status, "%s: %s", c.script, got.log)
		if c.body != "" {
			assert.Equal(t, c.body, got.body, c.script)
		}
		assert.NoError(t, got.err, c.script)
		assert.Contains(t, got.log, c.log, c.script)
		if c.status >= 500 {
			assert.NotContains(t, got.body, "status 3")
			assert.Contains(t, got.body, "See the log, request ")
		}
	}
}

// TestCannotExecute checks that the log says what is wrong with a program, of all the
// things that execve(2) has the same number for.
func TestCannotExecute(t *testing.T) {
	t.Parallel()
	other := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00\xb7\x00\x01\x00\x00\x00" + strings.Repeat("\x00", 40)
	if runtime.GOARCH == "arm64" {
		other = strings.Replace(other, "\xb7", "\x3e", 1)
	}
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		log  string
	}{
		"crlf":        {"#!/bin/sh\r\necho\r\n", 0o755, "its first line ends in CR LF"},
		"crlf-env":    {"#!/usr/bin/env sh\r\necho\r\n", 0o755, "its first line ends in CR LF"},
		"interpreter": {"#!/nonexistent/perl -w\n", 0o755, "the interpreter /nonexistent/perl in its first line does not exist"},
		"directory":   {"#!/tmp\n", 0o755, "this user may not execute its interpreter /tmp"},
		"no-x":        {"#!/bin/sh\n", 0o644, "it is not executable: chmod +x"},
		"text":        {"echo hello\n", 0o755, "neither a program nor a script"},
		"empty":       {"", 0o755, "it is empty"},
		"bom":         {"\xef\xbb\xbf#!/bin/sh\n", 0o755, "byte order mark"},
		"other":       {other, 0o755, "but this machine is " + runtime.GOARCH},
		"missing":     {"", 0, "missing can't be executed: it does not exist"},
	} {
		path := filepath.Join(dir, name)
		if c.mode != 0 {
			executable(t, path, c.text)
			require.NoError(t, os.Chmod(path, c.mode))
		}
		got := (&invocation{t: t, args: []string{"--cgi", path}}).get("/")
		assert.Equal(t, 500, got.status, name)
		assert.Contains(t, got.log, c.log, name)
		assert.NotContains(t, got.body, dir)

		got = (&invocation{t: t, args: []string{"--cgi-root", dir}}).get("/" + name)
		want := map[string]int{"no-x": 403, "directory": 403, "missing": 404}[name]
		if want == 0 {
			want = 500
		}
		assert.Equal(t, want, got.status, name)
	}
}

// TestCGIBody checks that a program gets the whole body and then its end, from memory
// and from a file, and however much it answers meanwhile.
func TestCGIBody(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 1000, 64 << 10, 64<<10 + 1, 3 << 20} {
		body := bytes.Repeat([]byte("0123456789abcdef\n"), size/17+1)[:size]
		got := script(t, plain+`echo "$CONTENT_LENGTH"; tee /dev/stderr 2>/dev/null`).do("POST", "/", bytes.NewReader(body))
		require.NoError(t, got.err)
		want := sha256.Sum256(append([]byte(strconv.Itoa(size)+"\n"), body...))
		have := sha256.Sum256([]byte(got.body))
		assert.Equal(t, hex.EncodeToString(want[:]), hex.EncodeToString(have[:]), "%d bytes", size)
	}
	got := script(t, plain+`head -c 3; exec 0<&-; echo done`).do("POST", "/", strings.NewReader("abcdef"))
	assert.Equal(t, "abcdone\n", got.body, "a program need not read")
}

// TestCGILarge sends more than any buffer holds, to a client that pauses.
func TestCGILarge(t *testing.T) {
	t.Parallel()
	conn, p := script(t, plain+`head -c 50000000 /dev/zero; echo end`).start()
	_, err := conn.Write(wire(t, "GET", "/"))
	require.NoError(t, err)
	first := make([]byte, 10)
	_, err = io.ReadFull(conn, first)
	require.NoError(t, err)
	n, err := io.Copy(io.Discard, conn)
	require.NoError(t, err)
	assert.Equal(t, int64(50000000+4+len("Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n")-10), n)
	conn.Close()
	assert.Contains(t, p.wait(t), "GET / 200 50000004 bytes")
}

// TestCGICut checks that an incomplete response is distinguished from a complete one.
func TestCGICut(t *testing.T) {
	t.Parallel()
	for text, log := range map[string]string{
		`printf 'Content-Type: a/b\nContent-Length: 9\n\nabc'`:                 "6 bytes before the Content-Length of 9",
		plain + `printf 'abc'; kill -9 $$`:                                     "was killed by SIGKILL, by hand or by the kernel for lack of memory in the middle",
		plain + `printf 'abc'; exec sleep 100`:                                 "no end of the response after 300ms",
		`printf 'Content-Type: a/b\nContent-Length: 9\n\nabc'; exec sleep 100`: "no end of the response after 300ms",
	} {
		got := script(t, text, "--timeout", "300ms").get("/")
		assert.Equal(t, 200, got.status)
		assert.Error(t, got.err, text)
		assert.Contains(t, got.log, log)
		assert.Contains(t, got.log, ", cut")
	}
}

func TestCGITimeouts(t *testing.T) {
	t.Parallel()
	got := script(t, `exec sleep 100`, "--timeout", "100ms").get("/")
	assert.Equal(t, 504, got.status)
	assert.Contains(t, got.log, "no end of the response after 100ms")
	got = script(t, `trap "" TERM; sleep 100`, "--timeout", "100ms").get("/")
	assert.Equal(t, 504, got.status, "a program that ignores SIGTERM is killed")
	got = script(t, `exec sleep 100`, "--idle-timeout", "100ms").get("/")
	assert.Equal(t, 504, got.status)
	assert.Contains(t, got.log, "the program sent nothing for 100ms")
	got = script(t, plain+`for i in 1 2 3 4 5 6; do echo $i; sleep 0.05; done`, "--idle-timeout", "2s").get("/")
	assert.Equal(t, "1\n2\n3\n4\n5\n6\n", got.body, "as long as something comes")
	assert.NoError(t, got.err)
	got = script(t, plain+`echo well; exec >&-; exec sleep 100`, "--timeout", "300ms").get("/")
	assert.Equal(t, "well\n", got.body)
	assert.NoError(t, got.err, "it closed its output: the response is whole")
	assert.Contains(t, got.log, "continued after its response, and was killed at its timeout")
}

// TestCGIBackground checks that a process which keeps the output open neither holds
// the response nor outlives the request.
func TestCGIBackground(t *testing.T) {
	t.Parallel()
	pid := filepath.Join(t.TempDir(), "pid")
	got := script(t, plain+`sleep 100 & echo $! >`+pid+`; echo well`).get("/")
	assert.Equal(t, "well\n", got.body)
	assert.NoError(t, got.err)
	text, err := os.ReadFile(pid)
	require.NoError(t, err)
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	assert.Eventually(t, func() bool { return syscall.Kill(n, 0) == syscall.ESRCH }, 60*time.Second, time.Millisecond)

	got = script(t, plain+`(while :; do echo more; done) & echo well`).get("/")
	assert.NoError(t, got.err, "one that never stops")
	got = script(t, `(sleep 0.1; printf 'Content-Type: a/b\n\nlate') &`).get("/")
	assert.Equal(t, "late", got.body, "one that answers a moment later")
}

// TestCGIClientLeaves checks that the whole process group ends, also one that never
// writes.
func TestCGIClientLeaves(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", plain} {
		fifo := filepath.Join(t.TempDir(), "fifo")
		require.NoError(t, syscall.Mkfifo(fifo, 0o600))
		a := script(t, text+`(echo $$ >`+fifo+`; sleep 100) & wait`)
		conn, p := a.start()
		_, err := conn.Write(wire(t, "GET", "/"))
		require.NoError(t, err)
		text, err := os.ReadFile(fifo) // until the program is there
		require.NoError(t, err)
		conn.Close()
		assert.Contains(t, p.wait(t), " 499 ")
		group, err := strconv.Atoi(strings.TrimSpace(string(text)))
		require.NoError(t, err)
		assert.Equal(t, syscall.ESRCH, syscall.Kill(-group, 0), "no process is left")
	}
}

// TestCGIMore checks that a program which sends more than it announced is neither held
// up nor ended.
func TestCGIMore(t *testing.T) {
	t.Parallel()
	done := filepath.Join(t.TempDir(), "done")
	got := script(t, `printf 'Content-Type: a/b\nContent-Length: 3\n\nabc'; head -c 200000 /dev/zero && >`+done).get("/")
	assert.Equal(t, "abc", got.body)
	assert.FileExists(t, done)
}

// TestCGIStandardError checks that a program which says very much neither stops nor
// fills the log.
func TestCGIStandardError(t *testing.T) {
	t.Parallel()
	got := script(t, plain+`head -c 3000000 /dev/zero | tr '\0' e >&2; echo >&2; yes | head -n 500000 >&2; echo well`).get("/")
	assert.Equal(t, "well\n", got.body)
	assert.Less(t, len(got.log), 2<<20)
	assert.Contains(t, got.log, "more bytes of the program's standard error were dropped")
}

func TestCGIHead(t *testing.T) {
	t.Parallel()
	a := script(t, `printf 'Content-Type: a/b\nContent-Length: 6\n\nabcdef'`)
	conn, p := a.start()
	_, err := conn.Write(wire(t, "HEAD", "/"))
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	conn.Close()
	assert.Equal(t, "Status: 200 OK\r\nContent-Type: a/b\r\nContent-Length: 6\r\n\r\n", string(answer))
	assert.Contains(t, p.wait(t), "HEAD / 200 0 bytes")
}

func TestCGIFlags(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "args")
	executable(t, path, "#!/bin/sh\n"+plain+"\nprintf '%s;' \"$@\"\n")
	got := (&invocation{t: t, args: []string{"--cgi", path, "--one", "two"}}).get("/?three+four")
	assert.Equal(t, "--one;two;", got.body)
	got = (&invocation{t: t, args: []string{"--isindex", "--cgi", path, "one"}}).get("/?three+four%20five")
	assert.Equal(t, "one;three;four five;", got.body)

	whole := filepath.Join(dir, "nph-whole")
	executable(t, whole, "#!/bin/sh\nprintf 'HTTP/1.1 418 Teapot\\r\\nConnection: close\\r\\nX: y\\r\\n\\r\\nshort'\n")
	for _, args := range [][]string{{"--cgi", whole}, {"--cgi-root", dir}, {"--nph", "--cgi-root", dir}} {
		got = (&invocation{t: t, args: args}).get("/nph-whole")
		assert.Equal(t, 418, got.status)
		assert.Equal(t, "y", got.header.Get("X"))
		assert.Equal(t, "short", got.body)
	}
	got = (&invocation{t: t, args: []string{"--nph", "--cgi", path}}).get("/")
	assert.Equal(t, 502, got.status)
	assert.Contains(t, got.log, "status line")
	got = script(t, plain+`head -c 600 /dev/zero`, "--max-response-head", "500").get("/")
	assert.Equal(t, 200, got.status, "the body doesn't count")

	for _, c := range []struct {
		args []string
		log  string
	}{
		{[]string{"--cgi"}, "missing argument: PROGRAM"},
		{[]string{"--cgi", "no-such-program"}, "no program no-such-program in PATH"},
		{[]string{"--cgi-root", dir, path}, "--cgi-root takes DIR only"},
		{[]string{"--cgi-root", path}, "is not a directory"},
		{[]string{"--cgi-root", dir, "--cgi", path}, "exclude each other"},
		{[]string{"--nph", "testdata/pep.py"}, "needs a CGI program"},
		{[]string{"--idle-timeout", "-1s", "--cgi", path}, "a timeout must not be negative"},
	} {
		got := (&invocation{t: t, args: c.args}).get("/")
		assert.Equal(t, http.StatusInternalServerError, got.status, "%v", c.args)
		assert.Contains(t, got.log, c.log, "%v", c.args)
	}
	if sh, err := exec.LookPath("true"); assert.NoError(t, err) {
		got = (&invocation{t: t, args: []string{"--cgi", filepath.Base(sh)}}).get("/")
		assert.Contains(t, got.log, "without a byte of a response", "a name without a slash is looked for in PATH")
	}
}
