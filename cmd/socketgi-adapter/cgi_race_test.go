package main

import (
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestRootRace swaps a directory for a symbolic link that leads out, all the time, while
// requests name the program in it. The one outside must never run.
func TestRootRace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	for _, d := range []string{"root/swapped", "outside"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, d), 0o755))
	}
	executable(t, filepath.Join(root, "swapped/x.cgi"), "#!/bin/sh\n"+plain+"echo inside\n")
	executable(t, filepath.Join(dir, "outside/x.cgi"), "#!/bin/sh\n"+plain+"echo outside\n")
	require.NoError(t, os.Symlink(filepath.Join(dir, "outside"), filepath.Join(root, "link")))
	u := newUnit(t, "--cgi-root", root)
	u.start()
	u.told("READY=1")

	var swapping sync.WaitGroup
	stop := make(chan struct{})
	swapping.Add(1)
	go func() {
		defer swapping.Done()
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := unix.Renameat2(unix.AT_FDCWD, filepath.Join(root, "swapped"), unix.AT_FDCWD, filepath.Join(root, "link"), unix.RENAME_EXCHANGE); err != nil {
				t.Errorf("swapping: %v", err)
				return
			}
		}
	}()
	seen := map[string]int{}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end) && !t.Failed(); {
		got := u.get("/swapped/x.cgi")
		switch {
		case got.status == http.StatusOK:
			seen[got.body]++
		case got.status == http.StatusForbidden:
			seen["refused"]++
		default:
			seen[http.StatusText(got.status)]++
		}
		if seen["inside\n"] >= 30 && seen["refused"] >= 30 {
			break
		}
	}
	close(stop)
	swapping.Wait()
	assert.Zero(t, seen["outside\n"], "%v", seen)
	assert.NotZero(t, seen["inside\n"], "%v", seen)
	assert.NotZero(t, seen["refused"], "%v", seen)
	t.Log(seen)
}
