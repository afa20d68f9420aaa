package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tryOut runs the adapter with --check, and returns what it said and its exit status.
func tryOut(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"--check"}, args...)...)
	cmd.Env = append(os.Environ(), "BE_ADAPTER=1")
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); !exited {
		require.NoError(t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestCheck loads applications, good and bad.
func TestCheck(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, python string) {
		app := filepath.Join(t.TempDir(), "app.py")
		for name, c := range map[string]struct{ text, more, want string }{
			"good":      {"def application(e, s): raise ValueError", "", ""},
			"asgi":      {"async def application(scope, receive, send): raise ValueError", "", ""},
			"script":    {"import inetd_scgi\ninetd_scgi.run_app(None)", "", ""},
			"factory":   {"def make(): return print", ":make()", ""},
			"prints":    {"print('hello')\ndef application(e, s): pass", "", "hello\n"},
			"import":    {"import no_such_module_at_all", "", "ModuleNotFoundError: No module named 'no_such_module_at_all'\n"},
			"syntax":    {"def application(e, s:", "", "SyntaxError"},
			"raises":    {"def make(): raise ValueError('not now')", ":make()", "ValueError: not now\n"},
			"none":      {"x = 1", "", "has no callable named application, app, create_app or make_app"},
			"exit":      {"raise SystemExit(4)", "", "the application called sys.exit(4) while it was loaded\n"},
			"ends":      {"import os; os._exit(0)", "", "the process exited with status 0 while it loaded the application\n"},
			"killed":    {"import os; os.kill(os.getpid(), 11)", "", "the process died of SIGSEGV while it loaded the application\n"},
			"hangs":     {"import time; time.sleep(1000)", "", "the application was not loaded within 1s\n"},
			"childless": {"import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)\ndef app(e, s): pass", "", ""},
		} {
			t.Run(name, func(t *testing.T) {
				require.NoError(t, os.WriteFile(app, []byte(c.text+"\n"), 0o600))
				args := []string{"--python", python, app + c.more}
				if name == "hangs" {
					args = append([]string{"--timeout", "1s"}, args...)
				}
				out, status := tryOut(t, args...)
				if good := c.want == "" || name == "prints"; good {
					assert.Zero(t, status, "%s", out)
					want := "WSGI"
					if strings.HasPrefix(c.text, "async ") {
						want = "ASGI"
					}
					assert.Equal(t, "Python: "+python+"\n"+c.want+"Interface: "+want+"\n", out)
					return
				}
				assert.Contains(t, out, "Python: "+python+"\n")
				assert.Equal(t, exitServe, status)
				assert.Contains(t, out, c.want)
				assert.NotContains(t, out, "<socketgi>")
			})
		}
	})
	out, status := tryOut(t, "--timeout", "-1s", "testdata/pep.py")
	assert.Equal(t, exitConfig, status)
	assert.Contains(t, out, "a timeout must not be negative")
}

// TestCheckCache has a check fill the cache for requests that can't write to it.
func TestCheckCache(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		dir, filled := t.TempDir(), t.TempDir()
		app := filepath.Join(dir, "app.py")
		require.NoError(t, os.WriteFile(dir+"/part.py", []byte("word = 'part'\n"), 0o600))
		require.NoError(t, os.WriteFile(app, []byte("import part\n"+
			"def application(e, s):\n    s('200 OK', [])\n    return [type(part.__loader__).__name__.encode()]\n"), 0o600))
		out, status := tryOut(t, "--python", python, "--cache", filled, app)
		require.Zero(t, status, "%s", out)

		// A copy of it, as root's would be.
		cache := filepath.Join(t.TempDir(), "cache")
		require.NoError(t, os.CopyFS(cache, os.DirFS(filled)))
		names, err := filepath.Glob(cache + "/*")
		require.NoError(t, err)
		for _, name := range names {
			require.NoError(t, os.Chmod(name, 0o444))
		}
		require.NoError(t, os.Chmod(cache, 0o555))
		t.Cleanup(func() { _ = os.Chmod(cache, 0o755) })
		want := "Loader"
		if filepath.Base(python) == "pypy3" {
			want = "SourceFileLoader"
		}
		a := &invocation{t: t, args: []string{"--python", python, "--cache", cache, app}}
		assert.Equal(t, want, a.get("/").body)
		// Part of another run, it doesn't belong to the rest.
		require.NoError(t, os.Chmod(cache, 0o755))
		for _, name := range names {
			if filepath.Ext(name) == ".code" {
				data, err := os.ReadFile(name)
				require.NoError(t, err)
				data[0]++
				require.NoError(t, os.Remove(name))
				require.NoError(t, os.WriteFile(name, data, 0o444))
			}
		}
		assert.Equal(t, "SourceFileLoader", a.get("/").body)
	})
}

// TestCheckCGI checks programs without running them.
func TestCheckCGI(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"script":  {"#!/bin/sh\nexit 1\n", 0o700, ""},
		"missing": {"#!/no/such/interpreter\n", 0o700, "the interpreter /no/such/interpreter in its first line does not exist"},
		"plain":   {"#!/bin/sh\n", 0o600, "it is not executable: chmod +x"},
		"nothing": {"", 0o700, "it is empty"},
		"text":    {"hello\n", 0o700, "it is neither a program"},
		"windows": {"#!/bin/sh\r\n", 0o700, "its first line ends in CR LF"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			require.NoError(t, os.WriteFile(path, []byte(c.text), c.mode))
			out, status := tryOut(t, "--cgi", path)
			assert.Contains(t, out, c.want)
			assert.Equal(t, c.want == "", status == exitOK, "%s", out)
		})
	}
	self, err := os.Executable()
	require.NoError(t, err)
	out, status := tryOut(t, "--cgi", self)
	assert.Zero(t, status, "%s", out)
	out, status = tryOut(t, "--cgi", "/bin/cat") // linked dynamically
	assert.Zero(t, status, "%s", out)
	out, status = tryOut(t, "--cgi-root", dir)
	assert.Zero(t, status, "%s", out)
	out, status = tryOut(t, "--cgi", filepath.Join(dir, "nowhere"))
	assert.Equal(t, exitServe, status)
	assert.Contains(t, out, "it does not exist")
}

// TestOldPython has the adapter run Pythons that are too old, which say so.
func TestOldPython(t *testing.T) {
	t.Parallel()
	// A fake old Python, for machines without one.
	claims := filepath.Join(t.TempDir(), "python")
	require.NoError(t, os.WriteFile(claims, []byte("#!/bin/sh\nexec "+pythons(t)[0]+
		` -S -c "import sys; sys.version_info = (3, 7, 16, 'final', 0); exec(sys.argv[1])" "$3"`+"\n"), 0o700))
	old := []string{claims}
	for _, name := range []string{"python2.7", "python3.6", "python3.7"} {
		if out, err := exec.Command(name, "-c", "import sys; print(sys.executable)").Output(); err == nil {
			old = append(old, strings.TrimSpace(string(out)))
		}
	}
	const want = " is Python \\d\\.\\d, which is older than 3.8: use a later one with --python\n"
	for _, python := range old {
		t.Logf("%s", python)
		out, status := tryOut(t, "--python", python, "testdata/pep.py")
		assert.Equal(t, exitServe, status)
		assert.Regexp(t, want, out)
		assert.NotContains(t, out, "Traceback")
		a := &invocation{t: t, args: []string{"--python", python, "testdata/pep.py"}}
		got := a.get("/")
		assert.Equal(t, 500, got.status)
		assert.Regexp(t, want, got.log)
		u := newUnit(t, a.args...)
		p := u.start()
		u.toldOf("READY=1")
		assert.Regexp(t, want, p.stop(t))
	}
}

// TestPassedOver has a virtual environment that can't be used: the check reports the reason.
func TestPassedOver(t *testing.T) {
	t.Parallel()
	dir := tree(t, map[string]string{".venv": "/elsewhere", "src/app.py": "import no_such_module_at_all"})
	app := filepath.Join(dir, "src", "app.py")
	want := dir + "/.venv is a file; references to a virtual environment elsewhere are not followed (pipenv --py prints its Python); --python /elsewhere/bin/python uses it\n"
	out, status := tryOut(t, app)
	assert.Equal(t, exitServe, status)
	assert.Contains(t, out, want)
	assert.Contains(t, out, "No module named 'no_such_module_at_all'\n")
	a := &invocation{t: t, args: []string{app}}
	assert.Contains(t, a.get("/").log, want)
	u := newUnit(t, app)
	p := u.start()
	u.toldOf("READY=1")
	assert.Contains(t, p.stop(t), want)

	require.NoError(t, os.WriteFile(app, []byte("def application(e, s):\n    raise ValueError\n"), 0o600))
	assert.NotContains(t, a.get("/").log, ".venv", "which has nothing to do with it")
}

// TestCheckOnce: an application that takes long to be imported is loaded once where Python writes
// nothing beside its modules, which is the rule in a sandbox.
func TestCheckOnce(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		dir, cache := t.TempDir(), t.TempDir()
		app, loads := filepath.Join(dir, "app.py"), filepath.Join(t.TempDir(), "loads")
		require.NoError(t, os.WriteFile(app, []byte("import colorsys\nopen("+strconv.Quote(loads)+", 'a').write('x')\ndef application(e, s): pass\n"), 0o600))
		for range 2 {
			out, status := tryOut(t, "--python", python, "--cache", cache, app)
			require.Zero(t, status, "%s", out)
		}
		text, err := os.ReadFile(loads)
		require.NoError(t, err)
		assert.Equal(t, "xx", string(text), "once for each check")
	})
}
