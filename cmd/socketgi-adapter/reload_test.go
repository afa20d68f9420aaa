package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asks runs the adapter that asks another one to reload (ExecReload=), and returns what it
// said and its exit status.
func asks(t *testing.T, pid int) (string, int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "--ask-reload", strconv.Itoa(pid))
	cmd.Env = append(os.Environ(), "BE_ADAPTER=1")
	out, err := cmd.CombinedOutput()
	if _, exited := err.(*exec.ExitError); !exited {
		require.NoError(t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// releases makes two of an application, each with the word of its number in a file of its
// own, and current, which leads to the first.
func releases(t *testing.T, app, text string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, n := range []string{"1", "2"} {
		for name, text := range map[string]string{app: text, "part.py": "word = '" + n + "'\n", "word": n} {
			path := filepath.Join(dir, "releases", n, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
	}
	require.NoError(t, os.Symlink("releases/1", filepath.Join(dir, "current")))
	return dir
}

// point has a link lead elsewhere, as deployments do it.
func point(t *testing.T, link, target string) {
	t.Helper()
	require.NoError(t, os.Symlink(target, link+".new"))
	require.NoError(t, os.Rename(link+".new", link))
}

const threeWords = "\nimport part\ndef application(e, s):\n    s('200 OK', [])\n    return [(part.word + open('word').read() + __file__.rpartition('/releases/')[2][:1]).encode()]\n"

// TestReloadNames changes names before a reload: all are looked up again, that of the
// working directory, too.
func TestReloadNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, app, env string }{
		"file":    {"app.py", "current/app.py", ""},
		"package": {"shop/wsgi.py", "current/shop/wsgi.py", ""},
		// Nothing but PWD has the name of the folder.
		"module": {"shop.py", "shop", "PWD"},
	} {
		for _, preload := range []string{"yes", "no"} {
			t.Run(name+" preload "+preload, func(t *testing.T) {
				dir := releases(t, c.file, threeWords)
				if name == "package" {
					for _, n := range []string{"1", "2"} {
						require.NoError(t, os.WriteFile(dir+"/releases/"+n+"/shop/__init__.py", nil, 0o600))
					}
				}
				app := c.app
				if name != "module" {
					app = filepath.Join(dir, c.app)
				}
				u := newUnit(t, "--python", pythons(t)[0], "--workers", "1", "--preload", preload, app)
				u.dir = filepath.Join(dir, "current")
				if c.env != "" {
					u.env = []string{c.env + "=" + u.dir}
				}
				p := u.start()
				u.told("READY=1")
				assert.True(t, strings.HasPrefix(u.get("/").body, "11"))

				point(t, u.dir, "releases/2")
				require.NoError(t, os.RemoveAll(dir+"/releases/1"))
				out, status := asks(t, p.cmd.Process.Pid)
				assert.Zero(t, status, "%s", out)
				assert.True(t, strings.HasPrefix(u.get("/").body, "22"))

				require.NoError(t, os.Remove(u.dir))
				out, status = asks(t, p.cmd.Process.Pid)
				assert.Equal(t, 1, status)
				assert.Equal(t, "the reload failed: the working directory "+u.dir+" can't be entered: no such file or directory\n", out)
				assert.True(t, strings.HasPrefix(u.get("/").body, "22"), "what works goes on")
				p.stop(t)
			})
		}
	}
}

// TestReloadPython has a virtual environment that comes with the new release.
func TestReloadPython(t *testing.T) {
	t.Parallel()
	dir := releases(t, "app.py", "import sys"+answers("sys.prefix"))
	output(t, pythons(t)[0], "-m", "venv", "--without-pip", dir+"/releases/2/.venv")
	u := newUnit(t, "--workers", "1", filepath.Join(dir, "current/app.py"))
	p := u.start()
	u.told("READY=1")
	assert.NotContains(t, u.get("/").body, dir)
	point(t, dir+"/current", "releases/2")
	out, status := asks(t, p.cmd.Process.Pid)
	assert.Zero(t, status, "%s", out)
	assert.Equal(t, dir+"/current/.venv", u.get("/").body)
	p.stop(t)
}

// TestReloadAsked checks the result of ExecReload=.
func TestReloadAsked(t *testing.T) {
	t.Parallel()
	for _, preload := range []string{"yes", "no"} {
		app := program(t, answers("'old'"))
		u, p := warmUnit(t, pythons(t)[0], "--workers", "2", "--preload", preload, app)
		edit(t, app, answers("'new one'"))
		out, status := asks(t, p.cmd.Process.Pid)
		assert.Zero(t, status)
		assert.Empty(t, out)
		assert.Equal(t, "new one", u.get("/").body, "it is there when the command is over")

		edit(t, app, "raise RuntimeError('broken')\n")
		out, status = asks(t, p.cmd.Process.Pid)
		assert.Equal(t, 1, status)
		assert.Equal(t, "the reload failed: RuntimeError: broken\n", out)
		assert.Equal(t, "new one", u.get("/").body, "what works goes on")

		// A reload during a load loads it once more: the first load may have read older files.
		path, _ := gate(t)
		edit(t, app, "open('"+path+"').read()"+answers("'slow'"))
		first, second := make(chan int), make(chan int)
		ask := func(done chan int) {
			_, status := asks(t, p.cmd.Process.Pid)
			done <- status
		}
		go ask(first)
		goOn := atGate(t, path)
		go ask(second)
		edit(t, app, answers("'the newest of them'"))
		goOn()
		assert.Zero(t, <-first)
		assert.Zero(t, <-second)
		assert.Equal(t, "the newest of them", u.get("/").body)
		p.stop(t)
		out, status = asks(t, p.cmd.Process.Pid)
		assert.Equal(t, 1, status)
		assert.Contains(t, out, "is not an adapter with a warm application")
	}
}

// TestWatchNames changes links and folders in the paths of an application's files (--reload).
func TestWatchNames(t *testing.T) {
	t.Parallel()
	put := func(t *testing.T, dir, n string) { // as cp does it, file by file
		require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(filepath.Dir(dir), "releases", n))))
	}
	for name, c := range map[string]struct {
		begin, change func(t *testing.T, dir string)
	}{
		"a link is switched": {nil, func(t *testing.T, dir string) { point(t, dir+"/current", "releases/2") }},
		"a link is removed and made": {nil, func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/current"))
			require.NoError(t, os.Symlink("releases/2", dir+"/current"))
		}},
		"a link of a link is switched": {func(t *testing.T, dir string) {
			require.NoError(t, os.Symlink(dir+"/releases/1", dir+"/latest"))
			point(t, dir+"/current", "latest")
		}, func(t *testing.T, dir string) { point(t, dir+"/latest", "releases/2") }},
		"a folder is removed and copied": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/current"))
			put(t, dir+"/current", "1")
		}, func(t *testing.T, dir string) {
			require.NoError(t, os.RemoveAll(dir+"/current"))
			put(t, dir+"/current", "2")
		}},
		"a folder is moved away": {func(t *testing.T, dir string) {
			require.NoError(t, os.Remove(dir+"/current"))
			put(t, dir+"/current", "1")
		}, func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(dir+"/current", dir+"/old"))
			require.NoError(t, os.Rename(dir+"/releases/2", dir+"/current"))
		}},
		"the folder behind the link is replaced": {nil, func(t *testing.T, dir string) {
			require.NoError(t, os.Rename(dir+"/releases/1", dir+"/releases/old"))
			require.NoError(t, os.Rename(dir+"/releases/2", dir+"/releases/1"))
		}},
		"the folder above all is replaced": {nil, func(t *testing.T, dir string) {
			require.NoError(t, os.CopyFS(dir+".new", os.DirFS(dir)))
			point(t, dir+".new/current", "releases/2")
			require.NoError(t, os.Rename(dir, dir+".old"))
			require.NoError(t, os.Rename(dir+".new", dir))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "site")
			require.NoError(t, os.Rename(releases(t, "app.py", "import part"+answers("part.word")), dir))
			if c.begin != nil {
				c.begin(t, dir)
			}
			u := newUnit(t, "--python", pythons(t)[0], "--workers", "1", "--reload", dir+"/current/app.py")
			u.dir = dir + "/current"
			p := u.start()
			u.told("READY=1")
			require.Equal(t, "1", u.get("/").body)
			c.change(t, dir)
			require.Eventually(t, func() bool { return u.get("/").body == "2" }, 30*time.Second, 10*time.Millisecond)
			// And what is there now is watched as the first was.
			edit(t, dir+"/current/part.py", "word = 'edited'\n")
			require.Eventually(t, func() bool { return u.get("/").body == "edited" }, 30*time.Second, 10*time.Millisecond)
			p.stop(t)
		})
	}
}

// TestWatchMeanwhile changes files while they are being loaded, before they are watched.
func TestWatchMeanwhile(t *testing.T) {
	t.Parallel()
	for _, preload := range []string{"yes", "no"} {
		app := program(t, "import part\nopen('DIR/' + part.word).read()"+answers("part.word + 'x'"))
		dir := filepath.Dir(app)
		edit(t, dir+"/part.py", "word = 'a'\n")
		for _, word := range []string{"a", "bb"} {
			require.NoError(t, syscall.Mkfifo(filepath.Join(dir, word), 0o600))
		}
		u := newUnit(t, "--python", pythons(t)[0], "--workers", "1", "--preload", preload, "--reload", app)
		p := u.start()
		goOn := atGate(t, dir+"/a") // it has imported part
		edit(t, dir+"/part.py", "word = 'bb'\n")
		goOn()
		goOn = atGate(t, dir+"/bb") // and it is loaded again
		edit(t, app, "import part\n"+answers("part.word + 'yy'"))
		goOn()
		require.Eventually(t, func() bool { return u.get("/").body == "bbyy" }, 30*time.Second, 10*time.Millisecond)
		log := p.stop(t)
		assert.LessOrEqual(t, strings.Count(log, "the application was reloaded\n"), 3, "unchanged files are not loaded again: %s", log)
	}
}

// atGate waits until an application reads a FIFO; it does so until goOn is called.
func atGate(t *testing.T, path string) (goOn func()) {
	t.Helper()
	var f *os.File
	require.Eventually(t, func() (ok bool) {
		var err error
		f, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		return err == nil
	}, 30*time.Second, time.Millisecond)
	return func() { require.NoError(t, f.Close()) }
}

// TestWatchMissing has what an application imports come later, in a folder that comes, too.
func TestWatchMissing(t *testing.T) {
	t.Parallel()
	for _, preload := range []string{"yes", "no"} {
		app := program(t, "from shop.web import word"+answers("word"))
		u := newUnit(t, "--python", pythons(t)[0], "--workers", "1", "--preload", preload, "--reload", app)
		p := u.start()
		u.told("READY=1")
		assert.GreaterOrEqual(t, u.get("/").status, 500)
		dir := filepath.Join(filepath.Dir(app), "shop")
		require.NoError(t, os.Mkdir(dir, 0o700))
		u.toldOf("RELOADING=1") // for the folder; nothing is in it yet
		u.toldOf("READY=1")
		require.NoError(t, os.WriteFile(dir+"/web.py", []byte("word = 'here'\n"), 0o600))
		u.toldOf("RELOADING=1")
		u.toldOf("READY=1")
		assert.Equal(t, "here", u.get("/").body, "at once, not when it would be tried again")
		p.stop(t)
	}
}
