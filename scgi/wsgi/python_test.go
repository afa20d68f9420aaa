package wsgi_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi/wsgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// venv makes what a virtual environment looks like.
func venv(t *testing.T, dir string) (python string) {
	t.Helper()
	python = filepath.Join(dir, "bin", "python")
	require.NoError(t, os.MkdirAll(filepath.Dir(python), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "pyvenv.cfg"), nil, 0o644))
	require.NoError(t, os.WriteFile(python, nil, 0o755))
	return python
}

// TestFindPython looks for virtual environments. Each that is passed over is named.
func TestFindPython(t *testing.T) {
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(bin+"/python3", nil, 0o755))
	t.Setenv("PATH", bin)
	const app = "project/src/shop/app.py"
	for name, c := range map[string]struct {
		make   func(t *testing.T, dir string) // in project
		want   string                         // "": that of PATH
		passed string
	}{
		"none":          {func(*testing.T, string) {}, "", ""},
		"next to it":    {func(t *testing.T, dir string) { venv(t, dir+"/src/shop/venv"); venv(t, dir+"/.venv") }, "src/shop/venv", ""},
		"in a parent":   {func(t *testing.T, dir string) { venv(t, dir+"/.venv") }, ".venv", ""},
		"hidden first":  {func(t *testing.T, dir string) { venv(t, dir+"/env"); venv(t, dir+"/.venv") }, ".venv", ""},
		"it lies in it": {func(t *testing.T, dir string) { venv(t, dir) }, ".", ""},
		"no python": {func(t *testing.T, dir string) { require.NoError(t, os.Remove(venv(t, dir+"/.venv"))) }, "",
			"DIR/.venv is not used: it has no bin/python; repair it with python3 -m venv --clear DIR/.venv"},
		"a python that is gone": {func(t *testing.T, dir string) {
			python := venv(t, dir+"/.venv")
			require.NoError(t, os.Remove(python))
			require.NoError(t, os.Symlink("/usr/bin/python3.2", python))
		}, "", "its bin/python is a symbolic link to /usr/bin/python3.2, which does not exist"},
		"pipenv": {func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(dir+"/.venv", []byte("/home/me/.local/share/virtualenvs/project-1\n"), 0o644))
		}, "", "DIR/.venv is a file; references to a virtual environment elsewhere are not followed (pipenv --py prints its Python) /home/me/.local/share/virtualenvs/project-1/bin/python"},
		"a name in a file": {func(t *testing.T, dir string) {
			require.NoError(t, os.WriteFile(dir+"/.venv", []byte("project\n"), 0o644))
		}, "",
			"are not followed (pipenv --py prints its Python) }"},
		"no environment": {func(t *testing.T, dir string) { require.NoError(t, os.Mkdir(dir+"/venv", 0o755)) }, "", "DIR/venv is not used: it has neither pyvenv.cfg nor bin/python"},
		"a link to nowhere": {func(t *testing.T, dir string) { require.NoError(t, os.Symlink("nowhere", dir+"/.venv")) }, "",
			"DIR/.venv is not used: no such file or directory"},
		"a folder and a file called env": {func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir+"/env", 0o755))
			require.NoError(t, os.WriteFile(dir+"/src/env", nil, 0o644))
		}, "", ""},
		"a broken one before a good one": {func(t *testing.T, dir string) {
			require.NoError(t, os.Mkdir(dir+"/src/.venv", 0o755))
			venv(t, dir+"/.venv")
		}, ".venv", "DIR/src/.venv is not used"},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			project, file := filepath.Join(top, "project"), filepath.Join(top, app)
			require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, nil, 0o644))
			c.make(t, project)
			found, passed, err := wsgi.FindPython(wsgi.App{File: file})
			require.NoError(t, err)
			want := bin + "/python3"
			if c.want != "" {
				want = filepath.Join(project, c.want, "bin", "python")
			}
			assert.Equal(t, want, found)
			if c.passed == "" {
				assert.Empty(t, passed)
				return
			}
			require.Len(t, passed, 1)
			assert.Contains(t, fmt.Sprint(passed[0]), strings.ReplaceAll(c.passed, "DIR", project))
		})
	}
}

// TestFindPythonOwners has environments and folders of several users.
func TestFindPythonOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root can give files away")
		}
		t.Skip("only root can give files away")
	}
	bin := t.TempDir()
	require.NoError(t, os.WriteFile(bin+"/python3", nil, 0o755))
	t.Setenv("PATH", bin)
	const owner, stranger = 4001, 4002
	for name, c := range map[string]struct {
		top, project, app, venv int // owners; venv is in project
		want                    bool
		passed                  string
	}{
		"all one's own":            {0, owner, owner, owner, true, ""},
		"root's environment":       {0, owner, owner, 0, true, ""},
		"a stranger's":             {0, owner, owner, stranger, false, "its owner is user 4002, neither root, this user nor the owner of DIR/app DIR/.venv/bin/python}"},
		"beyond the owner":         {0, stranger, owner, stranger, false, ""},
		"root's, beyond the owner": {0, 0, owner, 0, false, "DIR/.venv is not used: DIR does not belong to the owner of DIR/app DIR/.venv/bin/python}"},
	} {
		t.Run(name, func(t *testing.T) {
			top := t.TempDir()
			project := filepath.Join(top, "project")
			python := venv(t, project+"/.venv")
			file := filepath.Join(project, "app", "app.py")
			require.NoError(t, os.Mkdir(filepath.Dir(file), 0o755))
			require.NoError(t, os.WriteFile(file, nil, 0o644))
			for path, uid := range map[string]int{top: c.top, project: c.project, filepath.Dir(file): c.app, file: c.app,
				project + "/.venv/pyvenv.cfg": c.venv, project + "/.venv/bin": c.venv} {
				require.NoError(t, os.Chown(path, uid, uid))
			}
			found, passed, err := wsgi.FindPython(wsgi.App{File: file})
			require.NoError(t, err)
			assert.Equal(t, c.want, found == python, found)
			if c.passed == "" {
				assert.Empty(t, passed)
				return
			}
			assert.Contains(t, fmt.Sprint(passed), strings.ReplaceAll(c.passed, "DIR", project))
		})
	}
}
