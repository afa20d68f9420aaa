package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCache checks that cached code is used, replaced when anything changed, and
// not believed when another user may have written it.
func TestCache(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		dir, cache := t.TempDir(), t.TempDir()
		app := filepath.Join(dir, "app.py")
		write := func(text string) {
			require.NoError(t, os.WriteFile(app, []byte("import json\ndef application(e, s):\n    s('200 OK', [])\n    return [b'"+text+"']\n"), 0o600))
		}
		a := &invocation{t: t, args: []string{"--python", python, "--cache", cache, app}, env: []string{"PYTHONPATH=" + dir}}
		file := func() (string, os.FileInfo) {
			files, err := filepath.Glob(cache + "/start-*")
			require.NoError(t, err)
			files = slices.DeleteFunc(files, func(f string) bool { return strings.HasSuffix(f, ".code") })
			require.Len(t, files, 1)
			info, err := os.Stat(files[0])
			require.NoError(t, err)
			return files[0], info
		}
		write("one")
		assert.Equal(t, "one", a.get("/").body)
		_, first := file()
		assert.Equal(t, "one", a.get("/").body)
		name, second := file()
		assert.True(t, os.SameFile(first, second), "nothing new, nothing written")
		write("and two")
		assert.Equal(t, "and two", a.get("/").body)
		_, third := file()
		assert.False(t, os.SameFile(second, third))

		data, err := os.ReadFile(name)
		require.NoError(t, err)
		require.Contains(t, string(data), "and two")
		require.NoError(t, os.WriteFile(name, bytes.ReplaceAll(data, []byte("and two"), []byte("EVIL123")), 0o600))
		assert.Equal(t, "EVIL123", a.get("/").body, "cached code is what runs")
		require.NoError(t, os.Chmod(name, 0o620))
		assert.Equal(t, "and two", a.get("/").body, "but not when the group can write it")
		_, info := file()
		assert.Equal(t, os.FileMode(0o600), info.Mode())
		require.NoError(t, os.WriteFile(name, nil, 0o600))
		assert.Equal(t, "and two", a.get("/").body, "a damaged file is replaced")
		require.NoError(t, os.Remove(name))
		require.NoError(t, os.Symlink(app, name))
		assert.Equal(t, "and two", a.get("/").body)
	})
}

// TestCacheLeft has files in the cache that a killed process didn't finish.
func TestCacheLeft(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		cache := t.TempDir()
		a := &invocation{t: t, args: []string{"--python", python, "--cache", cache, program(t, "def application(e, s):\n    s('200 OK', [])\n    return [b'well']\n")}}
		require.Equal(t, "well", a.get("/").body)
		files, err := filepath.Glob(cache + "/start-*")
		require.NoError(t, err)
		name := strings.TrimSuffix(files[0], ".code")
		gone := exec.Command("true")
		require.NoError(t, gone.Run())
		dead, alive := "."+strconv.Itoa(gone.Process.Pid), "."+strconv.Itoa(os.Getpid())
		for _, left := range []string{name + dead, name + ".code" + dead, name + ".code" + alive} {
			require.NoError(t, os.WriteFile(left, []byte("half"), 0o600))
		}
		require.NoError(t, os.Remove(name)) // it was about to be written
		require.Equal(t, "well", a.get("/").body)
		assert.FileExists(t, name)
		assert.NoFileExists(t, name+dead)
		assert.NoFileExists(t, name+".code"+dead)
		assert.FileExists(t, name+".code"+alive, "another process may be writing it")
	})
}

// TestImportCache checks that a module whose code is kept is replaced by whatever
// Python would import in its place.
func TestImportCache(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		dir, lib, cache := t.TempDir(), t.TempDir(), t.TempDir()
		write := func(path, text string) {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
		app := filepath.Join(dir, "app.py")
		write(lib+"/pkg/__init__.py", "value = 'package'")
		write(lib+"/pkg/mod.py", "def value(): return 'module'")
		write(lib+"/pkg/data.txt", "resource")
		write(lib+"/single.py", "value = 'single'")
		write(app, `
import pkg, pkg.mod, single, pkgutil, inspect
def application(e, s):
    s('200 OK', [])
    seen = (pkg.value, pkg.mod.value(), single.value, pkgutil.get_data('pkg', 'data.txt'), inspect.getsource(pkg.mod).strip(),
            pkg.__file__, pkg.__path__, pkg.mod.__name__, pkg.mod.__package__, pkg.mod.__cached__ is not None)
    return [repr(seen).encode(), b' kept' if type(pkg.mod.__loader__).__name__ == 'Loader' else b' imported']
`)
		a := &invocation{t: t, args: []string{"--python", python, "--cache", cache, app},
			env: []string{"PYTHONPATH=" + lib, "PYTHONDONTWRITEBYTECODE=1"}}
		get := func() string {
			t.Helper()
			got := a.get("/")
			require.Equal(t, 200, got.status, "%s", got.log)
			return got.body
		}
		first := get()
		assert.True(t, strings.HasPrefix(first, "('package', 'module', 'single', b'resource', "), first)
		assert.True(t, strings.HasSuffix(first, " imported"), first)
		if strings.Contains(python, "pypy") {
			assert.Equal(t, first, get())
			return
		}
		assert.Equal(t, strings.Replace(first, " imported", " kept", 1), get(), "nothing but the loader tells the difference")
		write(lib+"/pkg/mod.py", "def value(): return 'edited module'")
		assert.Contains(t, get(), "('package', 'edited module', ") // not only in the source that it shows
		write(dir+"/single.py", "value = 'in front'")
		assert.Contains(t, get(), "'in front'", "a module that comes first in sys.path")
		assert.Contains(t, get(), "'in front'")
		require.NoError(t, os.Remove(dir+"/single.py"))
		assert.Contains(t, get(), "'single'")
		write(lib+"/pkg/mod/__init__.py", "def value(): return 'package instead'")
		assert.Contains(t, get(), "'package instead'")
		require.NoError(t, os.RemoveAll(lib+"/pkg/mod"))
		assert.Contains(t, get(), "'edited module'")
		require.NoError(t, os.Remove(lib+"/pkg/mod.py"))
		assert.Equal(t, 500, a.get("/").status)

		code, err := filepath.Glob(cache + "/*.code")
		require.NoError(t, err)
		require.Len(t, code, 1)
		write(lib+"/pkg/mod.py", "def value(): return 'back'")
		assert.Contains(t, get(), "'back'")
		require.NoError(t, os.WriteFile(code[0], []byte("not the blob of the record"), 0o600))
		assert.Contains(t, get(), "'back'")
	})
}

// TestSite checks that leaving site out is not noticed: .pth files, sitecustomize,
// virtual environments and PYTHONPATH do what they do in any Python.
func TestSite(t *testing.T) {
	eachPython(t, func(t *testing.T, python string) {
		dir, cache := t.TempDir(), t.TempDir()
		venv := filepath.Join(dir, "venv")
		output(t, python, "-m", "venv", "--without-pip", venv)
		site := strings.TrimSpace(output(t, venv+"/bin/python", "-c", "import site; print(site.getsitepackages()[0])"))
		extra := filepath.Join(dir, "extra")
		require.NoError(t, os.Mkdir(extra, 0o700))
		write := func(path, text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
		write(site+"/installed.py", "value = 'installed'")
		write(site+"/test.pth", extra+"\nimport sys; sys.marker = 'executed'\n")
		write(extra+"/added.py", "value = 'added'")
		// In front of everything: Debian has a sitecustomize in its standard library.
		front := filepath.Join(dir, "front")
		require.NoError(t, os.Mkdir(front, 0o700))
		t.Setenv("PYTHONPATH", front)
		write(front+"/sitecustomize.py", "import sys; sys.customized = True")
		app := filepath.Join(dir, "app.py")
		write(app, `
import sys
import installed, added
def application(e, s):
    s('200 OK', [])
    return [repr((installed.value, added.value, sys.marker, sys.customized, sys.prefix, sys.path)).encode()]
`)
		plain := strings.TrimSpace(output(t, venv+"/bin/python", "-c", "import sys; sys.path[0] = "+quoted(dir)+`
import installed, added
print((installed.value, added.value, sys.marker, sys.customized, sys.prefix, sys.path))`))
		assert.Contains(t, plain, "'installed', 'added', 'executed', True")
		a := &invocation{t: t, args: []string{"--cache", cache, app}}
		assert.Equal(t, plain, a.get("/").body, "the virtual environment next to it is found")
		assert.Equal(t, plain, a.get("/").body, "and from the record it is the same")
		write(site+"/zz.pth", "import sys; sys.marker = 'changed'\n")
		assert.Contains(t, a.get("/").body, "'changed'", "a new .pth file is seen")
		write(site+"/test.pth", extra+"\n")
		require.NoError(t, os.Remove(site+"/zz.pth"))
		assert.Equal(t, 500, a.get("/").status, "and a removed line, too")
	})
}

func quoted(s string) string { return "'" + s + "'" }

func output(t *testing.T, name string, arg ...string) string {
	t.Helper()
	cmd := exec.Command(name, arg...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	return string(out)
}

// TestImportCacheFolders changes folders that modules are found in: what has nothing to
// do with imports leaves the record as good as it was.
func TestImportCacheFolders(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		if strings.Contains(python, "pypy") {
			return // nothing of imports is kept for it
		}
		dir, lib, cache := t.TempDir(), t.TempDir(), t.TempDir()
		write := func(path, text string) {
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
		app := filepath.Join(dir, "app.py")
		write(lib+"/part.py", "word = 'part'")
		write(app, "import part\ndef application(e, s):\n    s('200 OK', [])\n    return [(part.word + ' ' + type(part.__loader__).__name__).encode()]\n")
		a := &invocation{t: t, args: []string{"--python", python, "--cache", cache, app},
			env: []string{"PYTHONPATH=" + lib, "PYTHONDONTWRITEBYTECODE=1"}}
		get := func() string { t.Helper(); return a.get("/").body }
		assert.Equal(t, "part SourceFileLoader", get())
		assert.Equal(t, "part Loader", get())
		// Nothing is written from here on, so that what was recorded stays.
		files, err := filepath.Glob(cache + "/*")
		require.NoError(t, err)
		a.args[3] = filepath.Join(t.TempDir(), "kept")
		kept := func() {
			require.NoError(t, os.RemoveAll(a.args[3]))
			require.NoError(t, os.Mkdir(a.args[3], 0o700))
			for _, file := range files {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(a.args[3], filepath.Base(file)), text, 0o600))
			}
		}
		for _, harmless := range []string{"data.db", "app.py.swp", "__pycache__/x.pyc", "folder.d/x"} {
			write(dir+"/"+harmless, "")
			write(lib+"/"+harmless, "")
			kept()
			assert.Equal(t, "part Loader", get(), harmless)
		}
		for _, matters := range []string{"other.py", "other2.pyc", "other3.so", "folder/x", "file"} {
			write(dir+"/"+matters, "")
			kept()
			assert.Equal(t, "part SourceFileLoader", get(), matters)
			require.NoError(t, os.RemoveAll(dir+"/"+strings.TrimSuffix(matters, "/x")))
			kept()
			assert.Equal(t, "part Loader", get(), "as it was: %s", matters)
		}
		write(dir+"/part.py", "word = 'in front'")
		kept()
		assert.Equal(t, "in front SourceFileLoader", get())
	})
}

// TestSiteCode has .pth files with code, which site treats in its own way.
func TestSiteCode(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		dir, cache := t.TempDir(), t.TempDir()
		venv := filepath.Join(dir, "venv")
		output(t, python, "-m", "venv", "--without-pip", venv)
		site := strings.TrimSpace(output(t, venv+"/bin/python", "-c", "import site; print(site.getsitepackages()[0])"))
		write := func(path, text string) { require.NoError(t, os.WriteFile(path, []byte(text), 0o600)) }
		app := filepath.Join(dir, "app.py")
		write(app, "import sys, site"+answers("[getattr(sys, name, None) for name in ('hidden', 'failed', 'after', 'late')]"))
		write(site+"/.hidden.pth", "import sys; sys.hidden = True\n")
		write(site+"/failing.pth", "import sys; sys.failed = True; raise ValueError('on purpose')\nimport sys; sys.after = True\n")
		plain := strings.TrimSpace(output(t, venv+"/bin/python", "-c", "import sys; print([getattr(sys, name, None) for name in ('hidden', 'failed', 'after', 'late')])"))
		a := &invocation{t: t, args: []string{"--cache", cache, app}}
		for range 3 {
			got := a.get("/")
			assert.Equal(t, plain, got.body, "%s", got.log)
		}
		before, err := filepath.Glob(cache + "/*")
		require.NoError(t, err)
		require.NotEmpty(t, before)
		info, err := os.Stat(before[0])
		require.NoError(t, err)
		a.get("/")
		again, err := os.Stat(before[0])
		require.NoError(t, err)
		assert.True(t, os.SameFile(info, again), "nothing new, nothing written")

		for _, name := range []string{"/.hidden.pth", "/failing.pth"} {
			require.NoError(t, os.Remove(site+name))
		}
		for range 2 {
			assert.Equal(t, "[None, None, None, None]", a.get("/").body)
		}
		write(site+"/late.pth", "import sys; sys.late = True\n")
		assert.Equal(t, "[None, None, None, True]", a.get("/").body, "the record is no longer good")
	})
}
