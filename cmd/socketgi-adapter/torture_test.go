package main

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// This file has the targets of the client of torture_client_test.go.

// tortured is a program that answers with five bytes, or with more than any client reads.
var tortured = []string{"--cgi", "/bin/sh", "-c",
	`[ "$PATH_INFO" != /large ] || { printf 'Content-Type: text/plain\n\n'; exec cat /dev/zero; }; ` + plain + `echo well`}

// applications are what is tortured: how the adapter is told to run them.
func applications(t *testing.T) map[string][]string {
	return map[string][]string{"wsgi": {"--python", pythons(t)[0], "--workers", "3", "testdata/torture.py"}, "cgi": tortured}
}

// TestTorture tortures what listens.
func TestTorture(t *testing.T) {
	t.Parallel()
	for name, args := range applications(t) {
		t.Run(name, func(t *testing.T) {
			u := newUnit(t, args...)
			p := u.start()
			u.told("READY=1")
			v := &victim{t, u.path}
			v.good()
			before := descriptors(t, p)
			v.suffer(few(10000, 500))
			// Nothing is left of all that. Some processes may have come only now.
			const some = 20
			deadline := time.Now().Add(60 * time.Second)
			for descriptors(t, p) > before+some && time.Now().Before(deadline) {
				time.Sleep(10 * time.Millisecond)
			}
			assert.LessOrEqual(t, descriptors(t, p), before+some)
			require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
			log := p.wait(t)
			assert.NotContains(t, log, "panic")
		})
	}
}

// TestTortureNeverReads asks for a response without an end, and doesn't read it. What
// sends it is ended when its time is up.
func TestTortureNeverReads(t *testing.T) {
	t.Parallel()
	limit := "5s" // for the head, too, which a loaded machine takes its time for
	if torture {
		limit = "10s"
	}
	for name, args := range applications(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUnit(t, append([]string{"--timeout", limit}, args...)...)
			p := u.start()
			u.told("READY=1")
			v := &victim{t, u.path}
			c := v.dial()
			defer c.Close()
			_, err := c.Write(goodRequest(t, "/large"))
			require.NoError(t, err)
			v.closed(c)
			require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
			assert.Regexp(t, `POST /large 200 \d+ bytes .*, cut`, p.wait(t))
		})
	}
}

// descriptors counts the files that a process has open.
func descriptors(t *testing.T, p *process) int {
	list, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "fd"))
	require.NoError(t, err)
	return len(list)
}

// TestTortureSlow sends one byte at a time, with a pause before each, or nothing any more,
// until it is told that this takes too long.
func TestTortureSlow(t *testing.T) {
	t.Parallel()
	pause, limits := 5*time.Millisecond, []string{"--header-timeout", "200ms", "--body-timeout", "200ms"}
	if torture {
		pause, limits = 50*time.Millisecond, nil // as they are
	}
	u := newUnit(t, append(limits, tortured...)...)
	u.start()
	u.told("READY=1")
	v := &victim{t, u.path}
	wire := []byte("60000:CONTENT_LENGTH\x000\x00" + strings.Repeat("x", 1000))
	good := goodRequest(t, "/")
	var wg sync.WaitGroup
	for i := range len(good) + few(16, 4) {
		wg.Add(1)
		c := v.dial()
		go func() {
			defer wg.Done()
			defer c.Close()
			if i < len(good) {
				v.write(c, good[:i])
				assert.Equal(t, "408", v.answer(c, good[:i], false))
				return
			}
			go func() {
				for i := range wire {
					if _, err := c.Write(wire[i : i+1]); err != nil {
						return
					}
					time.Sleep(pause)
				}
			}()
			assert.Equal(t, "408", v.answer(c, wire, false))
		}()
	}
	wg.Wait()
}

// TestTortureConnections tortures adapters of single connections: this process accepts
// them, and starts one for each, as systemd does.
func TestTortureConnections(t *testing.T) {
	t.Parallel()
	a := &invocation{t: t, args: tortured}
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	require.NoError(t, err)
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := l.AcceptUnix()
			if err != nil {
				assert.ErrorIs(t, err, net.ErrClosed)
				return
			}
			file, err := c.File()
			c.Close()
			if !assert.NoError(t, err) {
				return
			}
			a.startFile(file)
			file.Close()
		}
	}()
	v := &victim{t, path}
	if torture {
		v.suffer(2000)
	} else {
		v.good()
		for _, c := range v.holders() {
			v.closed(c)
			c.Close()
		}
		v.mutations(20)
	}
	l.Close()
	<-served
}

// TestTortureSocket tortures a socket at which another process listens.
func TestTortureSocket(t *testing.T) {
	t.Parallel()
	path := os.Getenv("SOCKETGI_TORTURE_SOCKET")
	if path == "" {
		t.Log("SOCKETGI_TORTURE_SOCKET says where: the tests of units have systemd listen there, in make torture")
		return
	}
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	(&victim{t, path}).suffer(few(10000, 100))
}
