package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestCacheOfReleases switches a link between two releases with modules of one size, which were written in one tick of
// the file system's clock.
func TestCacheOfReleases(t *testing.T) {
	t.Parallel()
	dir := releases(t, "app.py", "import part"+answers("part.word"))
	part := func(n string) string { return filepath.Join(dir, "releases", n, "part.py") }
	times := func(path string) [2]unix.Timespec {
		var st unix.Stat_t
		require.NoError(t, unix.Stat(path, &st))
		return [2]unix.Timespec{st.Mtim, st.Ctim}
	}
	for range 10000 {
		require.NoError(t, os.WriteFile(part("1"), []byte("word = '1'\n"), 0o600))
		require.NoError(t, os.WriteFile(part("2"), []byte("word = '2'\n"), 0o600))
		if times(part("1")) == times(part("2")) {
			break
		}
	}
	a := &invocation{t: t, args: []string{"--python", pythons(t)[0], "--cache", t.TempDir(), dir + "/current/app.py"}, env: []string{"PYTHONDONTWRITEBYTECODE=1"}}
	for range 3 {
		require.Equal(t, "1", a.get("/").body)
	}
	point(t, dir+"/current", "releases/2")
	assert.Equal(t, "2", a.get("/").body)
}
