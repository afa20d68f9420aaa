package install

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contents returns the files below a directory with what they say.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		files[path[len(dir)+1:]] = string(text)
		return err
	}))
	return files
}

func TestReplace(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(at("old"), []byte("as it was"), 0o600))
	require.NoError(t, os.WriteFile(at("other"), []byte("also"), 0o600))
	before, kept := contents(t, dir), must(os.Stat(at("old")))
	files := []file{{path: at("new"), text: "one"}, {path: at("old"), text: "two"}, {path: at("other"), gone: true}}

	back, _, err := replace(files)
	require.NoError(t, err)
	require.NoError(t, back())
	assert.Equal(t, before, contents(t, dir))
	assert.True(t, os.SameFile(kept, must(os.Stat(at("old")))), "the very same file")

	_, keep, err := replace(files)
	require.NoError(t, err)
	require.NoError(t, keep())
	assert.Equal(t, map[string]string{"new": "one", "old": "two"}, contents(t, dir))
	assert.Equal(t, os.FileMode(0o644), must(os.Stat(at("new"))).Mode())
}

// TestReplaceFails has each of the steps fail.
func TestReplaceFails(t *testing.T) {
	for name, last := range map[string]string{
		"no folder to write to": "missing/file",
		"something in its way":  "folder",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			require.NoError(t, os.MkdirAll(at("folder/full"), 0o700))
			require.NoError(t, os.WriteFile(at("old"), []byte("as it was"), 0o600))
			before := contents(t, dir)
			_, _, err := replace([]file{{path: at("new"), text: "one"}, {path: at("old"), text: "two"}, {path: at(last), text: "three"}})
			assert.Error(t, err)
			assert.Equal(t, before, contents(t, dir))
		})
	}
}

func TestUndo(t *testing.T) {
	var u undo
	var order []int
	for i := range 3 {
		u.add(func() error {
			order = append(order, i)
			return errors.New("no")
		})
	}
	assert.Error(t, u.run())
	assert.Equal(t, []int{2, 1, 0}, order, "all of them, whatever goes wrong")
	assert.NoError(t, u.run(), "and once")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
