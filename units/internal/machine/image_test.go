package machine

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestOnce has several make the same directory at once, where one was interrupted.
func TestOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "images", "one")
	require.NoError(t, os.MkdirAll(dir+".new/half", 0o755))
	var made atomic.Int32
	create := func(unfinished string) error {
		made.Add(1)
		assert.NoDirExists(t, unfinished)
		return errors.Join(os.Mkdir(unfinished, 0o755), os.WriteFile(filepath.Join(unfinished, "whole"), nil, 0o644))
	}
	var all sync.WaitGroup
	for range 8 {
		all.Add(1)
		go func() {
			defer all.Done()
			assert.NoError(t, once(dir, create))
			assert.FileExists(t, filepath.Join(dir, "whole"))
		}()
	}
	all.Wait()
	assert.EqualValues(t, 1, made.Load())
	assert.NoDirExists(t, dir+".new")

	failed := errors.New("no")
	other := filepath.Join(filepath.Dir(dir), "other")
	assert.ErrorIs(t, once(other, func(unfinished string) error { return errors.Join(os.Mkdir(unfinished, 0o755), failed) }), failed)
	assert.NoDirExists(t, other)
	assert.NoDirExists(t, other+".new")
}

// TestApart checks that a machine has no file of the one that it runs on.
func TestApart(t *testing.T) {
	Need(t)
	f, err := os.CreateTemp("/etc", "socketgi-test-")
	require.NoError(t, err)
	defer os.Remove(f.Name())
	defer f.Close()
	m := Boot(t)
	assert.NoFileExists(t, m.Path(f.Name()))
	assert.FileExists(t, m.Path("/usr/sbin/nginx"))
}
