package python

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// write writes files below dir, which they may name as DIR; "->" makes a link.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		text = strings.ReplaceAll(text, "DIR", dir)
		if target, isLink := strings.CutPrefix(text, "->"); isLink {
			require.NoError(t, os.Symlink(target, path))
			continue
		}
		require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
	}
}

func TestLook(t *testing.T) {
	base := map[string]string{"base/bin/python3.12": "\x7fELF", "base/lib/python3.12/os.py": ""}
	for name, c := range map[string]struct {
		files        map[string]string
		path         string
		major, minor int
		script       bool
		folders      []string
	}{
		"installed":   {nil, "base/bin/python3.12", 3, 12, false, []string{"base"}},
		"by its link": {map[string]string{"own/bin/python": "->DIR/base/bin/python3.12"}, "own/bin/python", 3, 12, false, []string{"base"}},
		"venv": {map[string]string{"e/pyvenv.cfg": "home = DIR/base/bin\nversion = 3.12.1\n", "e/bin/python": "->DIR/base/bin/python3.12"},
			"e/bin/python", 3, 12, false, []string{"e", "base"}},
		"uv": {map[string]string{"e/pyvenv.cfg": "home = DIR/base/bin\nimplementation = CPython\nversion_info = 3.13.0.final.0\n", "e/bin/python": ""},
			"e/bin/python", 3, 13, false, []string{"e", "base"}},
		"editable": {map[string]string{"e/pyvenv.cfg": "home = /nowhere", "e/bin/python": "", "src/pkg/x": "", "e/lib/python3.12/more/x": "",
			"e/lib/python3.12/site-packages/a.pth": "import os; os.abort()\n# DIR\n\nDIR/src\nDIR/nowhere\n../more\n"},
			"e/bin/python", 0, 0, false, []string{"e", "src", "e/lib/python3.12/more"}},
		"old venv":    {map[string]string{"e/pyvenv.cfg": "version = 3.7.3", "e/bin/python": ""}, "e/bin/python", 3, 7, false, []string{"e"}},
		"python 2":    {map[string]string{"b/python": "->python2.7", "b/python2.7": ""}, "b/python", 2, 7, false, nil},
		"pypy":        {map[string]string{"b/pypy3": "->pypy3.9", "b/pypy3.9": ""}, "b/pypy3", 3, 9, false, nil},
		"shim":        {map[string]string{"shims/python3": "#!/usr/bin/env bash\n"}, "shims/python3", 0, 0, true, nil},
		"a home":      {map[string]string{"home/u/bin/python3": "", "home/u/lib/secret": ""}, "home/u/bin/python3", 0, 0, false, nil},
		"not there":   {nil, "no/bin/python", 0, 0, false, nil},
		"other venvs": {map[string]string{"e/pyvenv.cfg": "home = ../base/bin", "e/bin/python": ""}, "e/bin/python", 0, 0, false, []string{"e"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, base)
			write(t, dir, c.files)
			p := Look(filepath.Join(dir, c.path))
			var folders []string
			for _, f := range p.Folders {
				folders = append(folders, strings.TrimPrefix(f, dir+"/"))
			}
			assert.Equal(t, []any{c.major, c.minor, c.script, c.folders}, []any{p.Major, p.Minor, p.Script, folders})
		})
	}
}

func TestOlder(t *testing.T) {
	assert.True(t, Python{Major: 2, Minor: 7}.Older(3, 8))
	assert.True(t, Python{Major: 3, Minor: 7}.Older(3, 8))
	assert.False(t, Python{Major: 3, Minor: 8}.Older(3, 8))
	assert.False(t, Python{Major: 3, Minor: 14}.Older(3, 8))
	assert.False(t, Python{}.Older(3, 8), "not known")
}

// TestLookWaitsForNobody has FIFOs without writers instead of files.
func TestLookWaitsForNobody(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"e/bin/x": "", "e/lib/python3.12/site-packages/x": ""})
	for _, path := range []string{"e/pyvenv.cfg", "e/bin/python", "e/lib/python3.12/site-packages/a.pth"} {
		require.NoError(t, unix.Mkfifo(filepath.Join(dir, path), 0o666))
	}
	assert.Empty(t, Look(filepath.Join(dir, "e/bin/python")).Folders)
}

// TestLookReal compares what is found with what the Python of this machine, and a virtual
// environment of it, say themselves.
func TestLookReal(t *testing.T) {
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output() // in PATH it may be a script
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("there is no python3 in PATH")
	}
	require.NoError(t, err)
	python := strings.TrimSpace(string(out))
	venv := filepath.Join(t.TempDir(), "venv")
	out, err = exec.Command(python, "-m", "venv", "--without-pip", venv).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, path := range []string{python, venv + "/bin/python"} {
		p := Look(path)
		out, err := exec.Command(path, "-E", "-s", "-c", `import sys
print(sys.version_info[0], sys.version_info[1])
print("\n".join({sys.prefix, sys.base_prefix}))`).Output()
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		assert.Equal(t, lines[0], fmt.Sprint(p.Major, p.Minor))
		for _, prefix := range lines[1:] {
			assert.Contains(t, p.Folders, prefix)
		}
	}
}
