package install

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestCopyCode checks that nothing but plain files of the application's user are copied.
func TestCopyCode(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to another user")
	}
	const user = 65534
	for name, c := range map[string]struct {
		make func(path string) error
		ok   bool
	}{
		"plain":    {func(p string) error { return os.WriteFile(p, []byte("code"), 0o600) }, true},
		"link":     {func(p string) error { return os.Symlink("start-0-0", p) }, false},
		"folder":   {func(p string) error { return os.Mkdir(p, 0o700) }, false},
		"pipe":     {func(p string) error { return unix.Mkfifo(p, 0o600) }, false},
		"two":      {func(p string) error { return os.Link(filepath.Join(filepath.Dir(p), "start-0-0"), p) }, false},
		"huge":     {func(p string) error { return makeHuge(p) }, false},
		"somebody": {func(p string) error { return os.WriteFile(p, []byte("code"), 0o600) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			from, to := t.TempDir(), filepath.Join(t.TempDir(), "to")
			require.NoError(t, os.WriteFile(filepath.Join(from, "start-0-0"), []byte("first"), 0o600))
			require.NoError(t, os.WriteFile(filepath.Join(from, "other"), []byte("none of ours"), 0o600))
			path := filepath.Join(from, "start-1-1.code")
			require.NoError(t, c.make(path))
			for _, p := range []string{from, filepath.Join(from, "start-0-0"), path} {
				if name != "somebody" || p != path {
					require.NoError(t, os.Lchown(p, user, user))
				}
			}
			err := copyCode(from, to, 7)
			if !c.ok {
				assert.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, map[string]string{"start-0-0": "first", "start-1-1.code": "code"}, contents(t, to))
			for path, mode := range map[string]uint32{to: 0o750, filepath.Join(to, "start-0-0"): 0o644} {
				var st unix.Stat_t
				require.NoError(t, unix.Stat(path, &st))
				assert.Equal(t, mode, st.Mode&0o7777)
				assert.Zero(t, st.Uid)
			}
		})
	}
}

func makeHuge(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Truncate(mostBytes + 1)
}

func TestPutCode(t *testing.T) {
	dir := t.TempDir()
	path, staged := filepath.Join(dir, "app"), filepath.Join(dir, ".app")
	stage := func(text string) {
		require.NoError(t, os.Mkdir(staged, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(staged, "start"), []byte(text), 0o644))
	}
	stage("one")
	back, _, err := putCode(staged, path)
	require.NoError(t, err)
	require.NoError(t, back())
	assert.Empty(t, contents(t, dir))
	stage("one")
	_, keep, err := putCode(staged, path)
	require.NoError(t, err)
	require.NoError(t, keep())
	stage("two")
	back, _, err = putCode(staged, path)
	require.NoError(t, err)
	assert.Equal(t, "two", contents(t, path)["start"])
	require.NoError(t, back())
	assert.Equal(t, map[string]string{"app/start": "one"}, contents(t, dir))
}
