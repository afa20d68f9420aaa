package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const respond = "\ndef application(e, s):\n    s('200 OK', [])\n    return [repr(value()).encode()]\n"

// TestLikePlainPython runs applications for which a fast start must make no
// difference: what they see the first time, from a record, and in plain Python is the
// same. DIR in a file is its folder, FRONT one in front of sys.path.
func TestLikePlainPython(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		app   string // the application's file
		files map[string]string
		want  string
	}{
		"site has imported it": {"app.py", map[string]string{
			"front/sitecustomize.py": "import logging; logging.basicConfig(level=10)",
			"app.py":                 "import logging\nimport importlib.util\ndef value(): return logging.root.level, len(logging.root.handlers), importlib.util is not None" + respond,
		}, "(10, 1, True)"},
		"imports by name only": {"app.py", map[string]string{
			"front/sitecustomize.py": "import logging; logging.basicConfig(level=10)",
			"app.py":                 "logging = __import__('logging')\ndef value(): return logging.root.level, logging.__spec__.name" + respond,
		}, "(10, 'logging')"},
		"named like a module of Python": {"io.py", map[string]string{
			"io.py": "import json\ndef value(): return json.dumps(1)" + respond,
		}, "'1'"},
		"named like a module that is not loaded": {"types.py", map[string]string{
			"types.py": "def value(): return 1" + respond,
		}, "1"},
		"found by __getattr__": {"app.py", map[string]string{
			"app.py": "def __getattr__(name):\n    if name == 'application': return real\n    raise AttributeError(name)\n" +
				strings.Replace(respond, "application", "real", 1) + "def value(): return 2",
		}, "2"},
		"paths in order": {"app.py", map[string]string{
			"app.py": "import sys\nsys.path.append('/last')\nimport json\ndef value(): return sys.path[0] == 'DIR', sys.path[-1]" + respond,
		}, "(True, '/last')"},
		"a lazy module stays unloaded": {"app.py", map[string]string{
			"front/lazy.py": "raise RuntimeError('loaded')",
			"app.py": `
import importlib.util, sys
spec = importlib.util.find_spec('lazy')
spec.loader = importlib.util.LazyLoader(spec.loader)
sys.modules['lazy'] = module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
def value(): return 3` + respond,
		}, "3"},
		"a large literal": {"app.py", map[string]string{
			"app.py": "big = '" + strings.Repeat("x", 5<<20) + "'\ndef value(): return len(big)" + respond,
		}, "5242880"},
	} {
		t.Run(name, func(t *testing.T) {
			python := pythons(t)[0]
			dir, cache := t.TempDir(), t.TempDir()
			for file, text := range c.files {
				path := filepath.Join(dir, file)
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600))
			}
			a := &invocation{t: t, args: []string{"--python", python, "--cache", cache, filepath.Join(dir, c.app)},
				env: []string{"PYTHONPATH=" + dir + "/front"}}
			for i := range 4 {
				a.listens = i == 3
				got := a.get("/")
				assert.Equal(t, c.want, got.body, "%s", got.log)
				assert.NotContains(t, got.log, "Error")
			}
		})
	}
}

// TestShadowed puts another module in front of one whose place is recorded.
func TestShadowed(t *testing.T) {
	t.Parallel()
	python := pythons(t)[0]
	for name, shadow := range map[string]func(t *testing.T, dir string){
		"a package's __init__": func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(dir+"/a/foo/__init__.py", []byte("name = 'new'"), 0o600))
		},
		"a compiled module": func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(dir+"/foo.py", []byte("name = 'new'"), 0o600))
			output(t, python, "-c", "import py_compile; py_compile.compile('"+dir+"/foo.py', '"+dir+"/a/foo.pyc')")
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, cache := t.TempDir(), t.TempDir()
			for _, d := range []string{"/a/foo", "/b"} {
				require.NoError(t, os.MkdirAll(dir+d, 0o700))
			}
			require.NoError(t, os.WriteFile(dir+"/b/foo.py", []byte("name = 'old'"), 0o600))
			require.NoError(t, os.WriteFile(dir+"/app.py", []byte("import foo\ndef value(): return foo.name"+respond), 0o600))
			a := &invocation{t: t, args: []string{"--python", python, "--cache", cache, dir + "/app.py"},
				env: []string{"PYTHONPATH=" + dir + "/a:" + dir + "/b"}}
			for range 2 {
				assert.Equal(t, "'old'", a.get("/").body)
			}
			shadow(t, dir)
			for range 3 {
				assert.Equal(t, "'new'", a.get("/").body)
			}
		})
	}
}

// TestDamagedCache checks that no cache file can keep an application from starting.
func TestDamagedCache(t *testing.T) {
	t.Parallel()
	dir, cache := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/app.py", []byte("import colorsys\ndef value(): return 1"+respond), 0o600))
	a := &invocation{t: t, args: []string{"--python", pythons(t)[0], "--cache", cache, dir + "/app.py"}}
	require.Equal(t, "1", a.get("/").body)
	files, err := filepath.Glob(cache + "/start-*")
	require.NoError(t, err)
	require.Len(t, files, 2)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(file, data[:len(data)/2], 0o600))
		assert.Equal(t, "1", a.get("/").body, file)
		assert.Equal(t, "1", a.get("/").body, file)
	}
}

// TestReports checks that a failure is reported whatever it looks like.
func TestReports(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct{ app, log string }{
		"at import":        {"import nope_xyz", "No module named 'nope_xyz'"},
		"an exit":          {"import sys\nsys.exit('no db')", "sys.exit('no db') while it was loaded"},
		"many large runes": {"def application(e, s):\n    raise ValueError(chr(0x1F600) * 60000 + 'the end')", "the end"},
		"no characters":    {"def application(e, s):\n    raise ValueError(chr(0xDC80) + 'the end')", `\udc80the end`},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, "app.py")
			require.NoError(t, os.WriteFile(path, []byte(c.app), 0o600))
			a := &invocation{t: t, args: []string{"--python", pythons(t)[0], path}}
			for range 4 { // a worker that ends at once must not take its report with it
				got := a.get("/")
				assert.Equal(t, 500, got.status)
				assert.Contains(t, got.log, c.log)
			}
			a.listens = true
			for range 3 {
				got := a.get("/")
				assert.Contains(t, []int{500, 503}, got.status)
				assert.Contains(t, got.log, c.log)
			}
		})
	}
}

// TestAtTheEnd checks what is left behind by an end without teardown, also when the
// request has waited longer than it may take.
func TestAtTheEnd(t *testing.T) {
	t.Parallel()
	dir, cache := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/app.py", []byte(`
import gzip, os, tempfile, time
packed = gzip.open('`+dir+`/%d.gz' % os.getpid(), 'wt')
plain = open('`+dir+`/plain', 'a')
temporary = tempfile.NamedTemporaryFile(dir='`+dir+`', suffix='.temporary')
def value():
    packed.write('packed')
    plain.write('plain ')
    time.sleep(0.4)
    return 1`+respond), 0o600))
	a := &invocation{t: t, args: []string{"--python", pythons(t)[0], "--cache", cache, "--concurrency", "1", "--timeout", "4s", dir + "/app.py"}}
	const n = 12
	bodies := make(chan reply, n)
	for range n {
		go func() { bodies <- a.get("/") }()
	}
	for range n {
		got := <-bodies
		assert.Equal(t, "1", got.body, "%s", got.log)
	}
	data, err := os.ReadFile(dir + "/plain")
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("plain ", n), string(data))
	left, err := filepath.Glob(dir + "/*.temporary")
	require.NoError(t, err)
	assert.Empty(t, left)
	archives, err := filepath.Glob(dir + "/*.gz")
	require.NoError(t, err)
	assert.Len(t, archives, n)
	for _, archive := range archives {
		assert.Equal(t, "packed", output(t, "gzip", "-dc", archive))
	}
}

// TestDefaultTimeout reads slowly from an application that has set a timeout for its
// sockets, which none of the runtime has.
func TestDefaultTimeout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/app.py", []byte(`
import socket
socket.setdefaulttimeout(0.01)
def application(e, s):
    s('200 OK', [])
    return [b'x' * 20000000]
`), 0o600))
	a := &invocation{t: t, args: []string{"--python", pythons(t)[0], dir + "/app.py"}}
	for _, a.listens = range []bool{false, true} {
		conn, _ := a.connect()
		_, err := conn.Write(wire(t, "GET", "/"))
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, conn, 1000)
		require.NoError(t, err)
		time.Sleep(50 * time.Millisecond) // it is what is tested
		n, err := io.Copy(io.Discard, conn)
		assert.NoError(t, err)
		assert.Greater(t, n, int64(19_999_000))
		conn.Close()
	}
}

func TestLargestRequest(t *testing.T) {
	t.Parallel()
	a := pep(t, pythons(t)[0], "--max-header", "128K")
	for _, a.listens = range []bool{false, true} {
		got := a.do("POST", "/sum?"+strings.Repeat("x", 55<<10), strings.NewReader(strings.Repeat("x", 60<<10)))
		assert.Equal(t, "61440", got.body, "%s", got.log)
		got = a.do("POST", "/"+strings.Repeat("x", 40<<10), strings.NewReader(strings.Repeat("x", 60<<10)))
		assert.Equal(t, 500, got.status, "it reaches the application")
	}
}
