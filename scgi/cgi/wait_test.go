package cgi

import (
	"io"
	"os"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestDrain checks that a program that writes endlessly doesn't occupy the caller.
func TestDrain(t *testing.T) {
	var fds [2]int
	require.NoError(t, pipe(&fds))
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	say := make([]byte, 10000)
	_, err := unix.Write(fds[1], say)
	require.NoError(t, err)
	n := 0
	assert.Equal(t, fds[0], drain(fds[0], func(p []byte) {
		if n += len(p); n < 10<<20 {
			_, _ = unix.Write(fds[1], p)
		}
	}))
	assert.Less(t, n, 20000)
}

// TestWithoutPidfd checks that a kernel which has no descriptors of processes tells the
// end of a program, too.
func TestWithoutPidfd(t *testing.T) {
	for script, want := range map[string]string{
		"printf 'Content-Type: a/b\n\nwell'; sleep 60 & exit 0":               "well", // which has the output open
		"printf 'Content-Type: a/b\n\nwell'; exec >&-; sleep 60 & exit 0":     "well", // and here the log
		"printf 'Content-Type: a/b\n\nwell'; exec >&- 2>&-; sleep 60 & sleep": "well",
		"exit 1": "",
	} {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		ours := os.NewFile(uintptr(pair[0]), "ours")
		c := &Config{Program: "/bin/sh", Args: []string{"-c", script}, Env: os.Environ()}
		p, problem := c.Start([]scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"}}, scgi.Body{})
		require.Nil(t, problem)
		p.process.Close()
		require.Negative(t, p.process.PidFD())
		over := make(chan outcome.Result)
		go func() {
			res := p.Serve(pair[1])
			unix.Close(pair[1])
			p.Wait()
			over <- res
		}()
		answer, err := io.ReadAll(ours)
		require.NoError(t, err)
		assert.Contains(t, string(answer), want)
		select {
		case <-over:
		case <-time.After(60 * time.Second):
			t.Errorf("nobody noticed the end of %s", script)
			p.process.Kill()
			<-over
		}
		p.Close()
		ours.Close()
	}
}
