package main

import (
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func mustURL(t *testing.T, s string) *url.URL {
	u, err := url.Parse(s)
	require.NoError(t, err)
	return u
}

func wire(t *testing.T, method, path string) []byte {
	w, err := scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: method}, {Name: "REQUEST_URI", Value: path}})
	require.NoError(t, err)
	return w
}

func environOf(t *testing.T, body string) (env map[string]any) {
	require.NoError(t, json.Unmarshal([]byte(body), &env), "%s", body)
	return env
}

// way is how an application is served.
type way struct {
	t       *testing.T
	python  string
	listens bool
}

// eachWay runs a test with every interpreter, once for each connection and once for all. The
// former starts an interpreter for each request, so only the first one does it, or those that
// SOCKETGI_PYTHONS names.
func eachWay(t *testing.T, test func(t *testing.T, w way)) {
	eachPython(t, func(t *testing.T, python string) {
		if python == pythons(t)[0] || os.Getenv("SOCKETGI_PYTHONS") != "" {
			t.Run("yes", func(t *testing.T) { test(t, way{t, python, false}) })
		}
		t.Run("no", func(t *testing.T) { test(t, way{t, python, true}) })
	})
}

// app serves an application; args are flags and its name.
func (w way) app(args ...string) *invocation {
	return &invocation{t: w.t, args: append([]string{"--python", w.python}, args...), listens: w.listens}
}

func (w way) pep() *invocation { return w.app("testdata/pep.py") }

func TestEnviron(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w way) {
		a := w.pep()
		a.mount = "/app"
		env := environOf(t, a.get("/app/environ/?a=b").body)
		for name, want := range map[string]any{
			"REQUEST_METHOD": "GET", "SCRIPT_NAME": "/app", "PATH_INFO": "/environ/", "QUERY_STRING": "a=b",
			"SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
			"wsgi.url_scheme": "http", "wsgi.multithread": false, "wsgi.multiprocess": true, "wsgi.run_once": !w.listens,
			"wsgi.input_terminated": true, "wsgi.file_wrapper": "type", "name": "pep",
		} {
			assert.Equal(t, want, env[name], name)
		}
		assert.Equal(t, []any{1.0, 0.0}, env["wsgi.version"])
		assert.NotContains(t, env["os.environ"], "HTTP_HOST")
		path, err := filepath.Abs("testdata/pep.py")
		require.NoError(t, err)
		assert.Equal(t, []any{path}, env["argv"])
	})
}

func TestInput(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w way) {
		a := w.pep()
		got := a.do("POST", "/input", strings.NewReader("ab\nline two\nline three\nfour\nfive"))
		assert.Equal(t, `[b'ab', b'\n', b'lin', b'e two\n', [b'line three\n', b'four\n', b'five'], b'', b'', b'', []]`, got.body)
		big := strings.Repeat("x", 300_000)
		got = a.do("POST", "/sum", strings.NewReader(big))
		assert.Equal(t, "300000", got.body)
	})
}

// target is a path with a query.
func target(path string, kv ...string) string {
	v := url.Values{}
	for i := 0; i < len(kv); i += 2 {
		v.Set(kv[i], kv[i+1])
	}
	return path + "?" + v.Encode()
}

// header is a target for which the application sends a status and headers, both in Python.
func header(status, headers string) string {
	return target("/header", "status", status, "headers", headers)
}

const words = `[(Word('X-Word'), Word('as it is'))]`

func TestResponses(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("0123456789"), 0o600))
	opened := func(mode, buffering, seek string) string {
		return target("/file", "path", file, "mode", mode, "buffering", buffering, "seek", seek)
	}
	eachWay(t, func(t *testing.T, w way) {
		a := w.pep()
		for _, c := range []struct {
			url, body, length string
			status            int
		}{
			{"/write", "written, twice, and returned", "", 200},
			{"/lazy", "lazy", "", 201},
			{"/empty", "", "0", 200},
			{"/replaced", "error page", "10", 500},
			{"/long", "long", "4", 200},
			{"/gc", "1", "1", 200},
			{opened("rb", "-1", "0"), "0123456789", "10", 200},
			{opened("rb", "0", "4"), "456789", "6", 200},
			{opened("r+b", "-1", "2"), "23456789", "8", 200},
			{target("/file-length", "path", file), "01234", "5", 200},
			{target("/filelike", "path", file), "0123456789", "", 200},
			{target("/status", "status", "204 No Content"), "", "", 204},
			{target("/status", "status", "304 Not Modified"), "", "", 304},
			{target("/status", "status", "404 Not Found"), "body", "4", 404},
			{header("'200 OK'", `[('X-Latin', 'caf\xe9')]`), "sent", "4", 200},
			{header("'200 OK'", `[('X-Tab', 'a\tb'), ('X-UTF-8', '\xe2\x80\x93')]`), "sent", "4", 200},
			{header("Word('201 Made')", words), "sent", "4", 201},
		} {
			got := a.get(c.url)
			assert.NoError(t, got.err, c.url)
			assert.Equal(t, c.status, got.status, "%s: %s", c.url, got.log)
			assert.Equal(t, c.body, got.body, c.url)
			assert.Equal(t, c.length, got.header.Get("Content-Length"), c.url)
		}
		assert.NotEmpty(t, a.get("/proc").body)
		got := a.get(header("'200 OK'", words))
		assert.Equal(t, []string{"as it is"}, got.header["X-Word"])
		got = a.do("HEAD", opened("rb", "-1", "0"), nil)
		assert.Equal(t, "10", got.header.Get("Content-Length"))
		assert.Contains(t, a.get("/long").log, "more than its Content-Length")

		got = a.get("/too-late")
		assert.Error(t, got.err, "a response that broke off is told from one that ended")
		assert.Equal(t, "x", got.body)
		assert.Contains(t, got.log, "ValueError: too late")
	})
}

// TestNominalSize sends a file with a size that the kernel makes up.
func TestNominalSize(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w way) {
		a, nominal := w.pep(), sysfs(t)
		got := a.get(target("/file", "path", nominal, "mode", "rb", "buffering", "-1", "seek", "0"))
		want, err := os.ReadFile(nominal)
		require.NoError(t, err)
		assert.NoError(t, got.err)
		assert.Equal(t, string(want), got.body, "all that is read, and no length that the kernel made up")
		got = a.get(target("/file-length", "path", nominal))
		assert.Equal(t, "5", got.header.Get("Content-Length"))
		assert.Equal(t, string(want[:5]), got.body)
	})
}

// TestRefusedResponses has applications break the rules of a response.
func TestRefusedResponses(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w way) {
		a := w.pep()
		for _, path := range []string{"/twice", "/not-started", "/none", "/text"} {
			got := a.get(path)
			assert.Equal(t, 500, got.status, path)
			assert.Contains(t, got.log, "Error: ", path)
			assert.NotContains(t, got.log, "<socketgi>/worker", path)
		}
		for _, c := range [][2]string{
			{"'200 OK'", `[('X-A', 'a\r\nX-B: b')]`},
			{"'200 OK'", `[('X-A', 'a\nX-B: b')]`},
			{"'200 OK'", `[('X-A', 'a\rX-B: b')]`},
			{"'200 OK'", `[('X-A', 'a\x00')]`},
			{"'200 OK'", `[('X-A', 'a\x1b[2J')]`},
			{"'200 OK'", `[('X-A', 'a\x0b')]`},
			{"'200 OK'", `[('X-A', 'a\x1c')]`},
			{"'200 OK'", `[('X-A', 'a\x7f')]`},
			{"'200 OK'", `[(Word('Connection'), 'close')]`},
			{"'200 OK'", `[('X-A', Word('a\r\nX-B: b'))]`},
			{"Word('200 O\\nK')", `[]`},
			{"'200 OK'", `[('X-A\n', 'a')]`},
			{"'200 OK'", `[('', 'a')]`},
			{"'200 OK'", `[('X A', 'a')]`},
			{"'200 OK'", `[('X-A', '\u20ac')]`},
			{"'200 OK'", `[('X-A', b'a')]`},
			{"'200 OK'", `(('X-A', 'a'),)`},
			{"'200 OK'", `[('Connection', 'close')]`},
			{"'200 OK'", `[('transfer-encoding', 'chunked')]`},
			{"'200 OK'", `[('Status', '404')]`},
			{"'200 OK'", `[('Content-Length', '4'), ('content-length', '5')]`},
			{"'200 OK'", `[('Content-Length', '-4')]`},
			{"'200'", `[]`},
			{"'abc OK'", `[]`},
			{"'100 Continue'", `[]`},
			{"'200 O\\nK'", `[]`},
			{"b'200 OK'", `[]`},
		} {
			got := a.get(header(c[0], c[1]))
			assert.Equal(t, 500, got.status, "%v", c)
		}
	})
}

// sysfs returns a file with a size that is nominal: a page, and less to read.
func sysfs(t *testing.T) string {
	for _, pattern := range []string{"/sys/kernel/mm/transparent_hugepage/enabled", "/sys/devices/system/cpu/vulnerabilities/*", "/sys/class/net/lo/address"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range found {
			info, err := os.Stat(file)
			require.NoError(t, err)
			text, err := os.ReadFile(file)
			if err == nil && len(text) >= 5 && int64(len(text)) < info.Size() {
				return file
			}
		}
	}
	require.Fail(t, "/sys has no file with a nominal size")
	return ""
}

func TestClose(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w way) {
		marker := filepath.Join(t.TempDir(), "marker")
		a := w.pep()
		got := a.get("/close?marker=" + marker)
		assert.Equal(t, "fine", got.body)
		assert.Error(t, a.get("/close-raise?marker="+marker).err)
		data, err := os.ReadFile(marker)
		require.NoError(t, err)
		assert.Equal(t, "closed\nclosed\n", string(data))
		got = a.get("/close-fails")
		assert.NoError(t, got.err, "the response was complete")
		assert.Equal(t, "fine", got.body)
		assert.Contains(t, got.log, "/nonexistent/marker")
	})
}

func TestPrint(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w way) {
		a := w.pep()
		a.env = []string{"PYTHONUNBUFFERED="}
		got := a.get("/print")
		assert.Equal(t, "response", got.body)
		for _, line := range []string{"printed", "echoed", "error stream"} {
			assert.Contains(t, got.log, line+"\n")
		}
	})
}

func TestEnding(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w way) {
		marker := filepath.Join(t.TempDir(), "marker")
		a := w.pep()
		got := a.get("/ending?marker=" + marker)
		assert.Equal(t, "ok", got.body)
		a.end()
		data, err := os.ReadFile(marker)
		require.NoError(t, err)
		assert.Equal(t, "thread\natexit\n", string(data))
		data, err = os.ReadFile(marker + ".unflushed")
		require.NoError(t, err)
		assert.Equal(t, "flushed", string(data))
	})
}

func TestDebugPage(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	got := pep(t, python, "--debug").get("/%3Cscript%3E")
	assert.Equal(t, 500, got.status)
	assert.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
	assert.Contains(t, got.body, "KeyError: &#39;do_&lt;script&gt;&#39;")
	assert.Contains(t, got.body, "testdata/pep.py&#34;, line ")
	assert.NotContains(t, got.body, "<script>")
	got = pep(t, python).get("/%3Cscript%3E")
	assert.NotContains(t, got.body, "KeyError")
}

func TestApplications(t *testing.T) {
	t.Parallel()
	eachWay(t, func(t *testing.T, w way) {
		if w.listens && w.python != pythons(t)[0] {
			return // what is loaded is the same
		}
		for _, c := range []struct{ app, body string }{
			{"testdata/pep.py:namespace.inner", "attribute"},
			{"testdata/pep.py:create()", "factory"},
			{"testdata/factory.py", "made"},
			{"testdata/factory.py:create_app()", "made"},
			{"testdata/flask_like.py", "flask_like"},
			{"testdata/package/web.py", "module package.web"},
			{"testdata/script.py", "script __main__"},
			{"testdata/script.py:simple_app", "script script"},
		} {
			a := w.app(c.app)
			got := a.get("/")
			assert.Equal(t, c.body, got.body, "%s: %s", c.app, got.log)
		}
		a := w.app("testdata/script.py")
		got := a.get("/")
		assert.Contains(t, got.log, "to the log\n")
		if !w.listens {
			assert.Contains(t, got.log, "after run_app\n")
		}
		for _, app := range []string{"package.web", "package.web:app"} {
			a := w.app(app)
			a.dir = "testdata"
			assert.Equal(t, "module package.web", a.get("/").body, app)
		}
		for _, c := range []struct{ app, log string }{
			{"testdata/pep.py:missing", "has no 'missing'"},
			{"testdata/pep.py:number", "is of type int, but an application must be callable"},
			{"testdata/pep.py:number()", "it can't be a factory"},
			{"testdata/package/__init__.py", "has no callable named application, app, create_app or make_app; name it: "},
			{"testdata/syntax.py", "SyntaxError"},
			{"no.such.package", "ModuleNotFoundError"},
		} {
			a := w.app(c.app)
			got := a.get("/")
			assert.Contains(t, []int{500, 503}, got.status, c.app) // 503: and it is tried again later
			assert.Contains(t, got.log, c.log)
		}
	})
}

// TestMemory sends 1 GiB up and down, and checks that neither process grows with it.
func TestMemory(t *testing.T) {
	t.Parallel()
	// The peak of a process begins with that of the one which started it, and this one has
	// run other tests: a fresh one does it.
	if os.Getenv("FRESH") == "" {
		cmd := exec.Command(os.Args[0], "-test.run=^TestMemory$", "-test.v")
		cmd.Env = append(os.Environ(), "FRESH=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		t.Logf("%s", out)
		return
	}
	const size, most = 1 << 30, 64 << 20
	a := pep(t, pythons(t)[0], "--timeout", "0")
	for _, up := range []bool{true, false} {
		conn, p := a.start()
		header, path := int64(0), "/flood"
		if up {
			header, path = size, "/sum"
		}
		w, err := scgi.AppendRequest(nil, header, []scgi.Header{
			{Name: "REQUEST_METHOD", Value: "POST"}, {Name: "PATH_INFO", Value: path}, {Name: "QUERY_STRING", Value: "n=1073741824"}})
		require.NoError(t, err)
		_, err = conn.Write(w)
		require.NoError(t, err)
		_, err = io.CopyN(conn, zeros{}, header)
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, conn)
		require.NoError(t, err)
		conn.Close()
		log := p.wait(t)
		assert.Contains(t, log, "POST "+path+" 200")
		if !up {
			assert.Greater(t, n, int64(size))
		}
		// wait4(2) gives the larger of the process and those that it has waited for.
		peak := p.cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
		t.Logf("%s of 1 GiB: the larger of adapter and worker has %d MiB", path, peak>>20)
		assert.Less(t, peak, int64(most))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
