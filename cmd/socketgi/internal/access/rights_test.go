package access

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestRights checks that a function called by Do has the rights of another user, and that later code doesn't.
func TestRights(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can be another user")
	}
	nobody, err := RightsOf("nobody", "")
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "rights-")
	require.NoError(t, err)
	defer os.RemoveAll(dir)
	require.NoError(t, os.Mkdir(dir+"/in", 0o755))
	require.NoError(t, os.WriteFile(dir+"/in/file", nil, 0o600))
	open := func() error {
		f, err := os.Open(dir + "/in/file")
		if err == nil {
			f.Close()
		}
		return err
	}
	assert.Equal(t, dir, nobody.Obstacle(dir+"/in/file"), "MkdirTemp makes it with 0700")
	assert.ErrorIs(t, nobody.Do(open), unix.EACCES)
	require.NoError(t, os.Chmod(dir, 0o755))
	assert.Equal(t, dir+"/in/file", nobody.Obstacle(dir+"/in/file"))
	assert.ErrorIs(t, nobody.Do(open), unix.EACCES)
	require.NoError(t, os.Chmod(dir+"/in/file", 0o604))
	assert.NoError(t, nobody.Do(open))
	require.NoError(t, os.Chmod(dir+"/in/file", 0o600))
	for range 20 {
		assert.NoError(t, open(), "no thread is left that is another user")
	}
	broken := errors.New("as it is")
	assert.Equal(t, broken, nobody.Do(func() error { return broken }))
}
