package main

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMakeInstall builds as a user does, and installs and uninstalls as root does, with a PATH that
// has no Go.
func TestMakeInstall(t *testing.T) {
	tools := t.TempDir()
	for _, name := range []string{"make", "sh", "sed", "head", "install", "rm", "rmdir", "mkdir"} {
		path, err := exec.LookPath(name)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(tools, name)))
	}
	out, dest := t.TempDir(), t.TempDir()
	run := func(env []string, args ...string) (string, error) {
		cmd := exec.Command("make", append([]string{"-s", "OUT=" + out, "DESTDIR=" + dest}, args...)...)
		cmd.Dir = repository
		cmd.Env = append(append(os.Environ(), "MAKEFLAGS="), env...)
		printed, err := cmd.CombinedOutput()
		return string(printed), err
	}
	files := func() (all []string) {
		require.NoError(t, filepath.WalkDir(dest, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				all = append(all, path[len(dest):])
			}
			return err
		}))
		return all
	}
	withoutGo := []string{"PATH=" + tools}

	printed, err := run(withoutGo, "install")
	assert.Error(t, err)
	assert.Contains(t, printed, `socketgi is not built: run "make", then "sudo make install"`)
	assert.Empty(t, files())

	printed, err = run([]string{"GOFLAGS=-buildvcs=false"})
	require.NoError(t, err, "%s", printed)
	printed, err = run(withoutGo, "install")
	require.NoError(t, err, "%s", printed)
	installed := files()
	assert.Subset(t, installed, []string{"/usr/local/bin/socketgi", "/usr/local/libexec/socketgi/socketgi-adapter",
		"/usr/local/share/man/man1/socketgi-add.1", "/usr/local/share/man/man7/socketgi.7", "/usr/local/share/man/man7/socketgi-webservers.7",
		"/usr/local/share/man/man8/socketgi-adapter.8", "/usr/local/share/bash-completion/completions/socketgi"})

	printed, err = run(withoutGo, "uninstall", "OUT="+filepath.Join(out, "none"))
	require.NoError(t, err, "%s", printed)
	assert.Empty(t, files())
	assert.NoDirExists(t, filepath.Join(dest, "/usr/local/share/doc/socketgi"))
}

// TestMakeDemo tries the first command of the README.
func TestMakeDemo(t *testing.T) {
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	require.NoError(t, err)
	cmd := exec.Command("make", "-s", "demo", "PORT=0", "OUT="+t.TempDir(), "MAKEFLAGS=", "GOFLAGS=-buildvcs=false", "GOCACHE="+strings.TrimSpace(string(cache)))
	cmd.Dir = repository
	d := runDev(t, cmd)
	status, body := d.get("/")
	assert.Equal(t, 200, status)
	assert.Equal(t, "Hello world!\n", body)
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)) // as a terminal does
	_ = cmd.Wait()
	assert.Regexp(t, `^(\S+ GET / 200 .*\n)?$`, d.logged(), "at most the record of the request")
}
