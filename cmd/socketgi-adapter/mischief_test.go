package main

import (
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The files mischief_*.go ask an application for what it can do to itself, its descriptors and its
// processes (testdata/mischief.py), in every mode in which it can be run. What is looked at
// is what a client sees, and the table of processes.

// modes are the ways to run an application: for one connection, for one request in each
// process that was forked ahead, and for one request after the other.
var modes = map[string][]string{
	"single": nil,
	"fresh":  {"--max-requests", "1"},
	"warm":   nil,
}

// culprit is an application in one of the modes.
type culprit struct {
	*invocation
	mode string
	mark string // all its processes have it in their environment
}

// eachMode runs a test in every mode. When it is over, no process may be left.
func eachMode(t *testing.T, flags []string, test func(t *testing.T, c *culprit)) {
	for mode, more := range modes {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			inMode(t, mode, append(more[:len(more):len(more)], flags...), test)
		})
	}
}

func inMode(t *testing.T, mode string, flags []string, test func(t *testing.T, c *culprit)) {
	t.Helper()
	if n := len(flags); n == 0 || !strings.HasSuffix(flags[n-1], ".py") {
		flags = append(flags, "testdata/mischief.py")
	}
	c := &culprit{mode: mode, mark: "MISCHIEF=" + t.TempDir()}
	c.invocation = &invocation{t: t, args: append([]string{"--python", pythons(t)[0]}, flags...), env: []string{c.mark}, listens: mode != "single"}
	test(t, c)
	if p := c.process; p != nil {
		c.end()
		log := p.stderr.String()
		assert.NotContains(t, log, "panic")
	}
	c.few(0)
}

// processes lists those of the application and of its adapter.
func (c *culprit) processes() (list []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		if env, _ := os.ReadFile(file); strings.Contains(string(env), c.mark+"\x00") {
			dir := filepath.Dir(file)
			line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
			list = append(list, filepath.Base(dir)+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return list
}

// few waits until no more processes than that are there.
func (c *culprit) few(most int) {
	c.t.Helper()
	var list []string
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if list = c.processes(); len(list) <= most {
			return
		}
		if time.Now().After(end) {
			require.Fail(c.t, "processes are left", "%d, and %d may be: %s", len(list), most, strings.Join(list, "\n"))
		}
	}
}

// says asks for a path, which is answered with that.
func (c *culprit) says(body, path string) reply {
	c.t.Helper()
	got := c.get(path)
	assert.NoError(c.t, got.err, path)
	assert.Equal(c.t, 200, got.status, "%s: %s", path, got.log)
	assert.Equal(c.t, body, got.body, path)
	return got
}

// ask asks for a path, and returns all that is sent, which ends when the response does. Logged waits
// for the record of it.
func (c *culprit) ask(path string) (answer string, logged func() string) {
	c.t.Helper()
	answer, logged, err := c.attempt(path)
	assert.NoError(c.t, err, path)
	return answer, logged
}

func (c *culprit) attempt(path string) (answer string, logged func() string, err error) {
	c.t.Helper()
	conn, logged := c.connect()
	defer conn.Close()
	require.NoError(c.t, conn.SetDeadline(time.Now().Add(60*time.Second)))
	path, query, _ := strings.Cut(path, "?")
	request, err := scgi.AppendRequest(nil, 0, []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"},
		{Name: "REQUEST_URI", Value: path}, {Name: "QUERY_STRING", Value: query}})
	require.NoError(c.t, err)
	_, err = conn.Write(request)
	require.NoError(c.t, err)
	data, err := io.ReadAll(conn)
	return string(data), logged, err
}

// try requests a path, and returns the status, 0 if there is no response.
func (c *culprit) try(path string) int {
	c.t.Helper()
	answer, logged, _ := c.attempt(path)
	logged()
	var status int
	_, _ = fmt.Sscanf(answer, "Status: %d", &status)
	return status
}

// mischief is what an application can do to itself, with what its client may see of that: nil
// stands for 200, 0 for no head at all. Python knows nothing of a fork by the C library: the child
// may wait without end for a lock of another thread.
var mischief = map[string][]int{
	"fork_exit": nil, "fork_exit3": nil, "fork_exit_text": nil, "fork_raise": nil, "fork_return": nil, "fork_write": nil,
	"fork_twice": nil, "fork_libc": {200, 504}, "fork_thread": nil, "fork_yield": nil, "fork_in_close": nil, "fork_many": nil,
	"stay_cut": {200}, "stay_fork": nil, "stay_libc": nil, "stay_process": nil, "stay_program": nil, "stay_pool": nil,
	"group_parents": {504}, "group_deaf": {504}, "group_left": nil, "stopped": {504}, "killed": {502}, "terminated": {502},
	"group_killed": {502}, "segfault": {500, 502}, "aborted": {502}, "exited": {502}, "alarm": {502}, "execs": {502},
	"execs_sleep": {502, 504}, "orphan": nil, "sigchld": nil, "interrupt": {500}, "close1": nil, "close012": nil,
	"close_all": {502}, "close_connection": {500}, "close_connection_large": {500}, "close_jobs": {200, 502, 0}, "leak": nil, "no_streams": nil, "gone_folder": nil,
	"truncate": nil, "scribble": {200, 502}, "flood": nil, "lies": {200, 500, 502, 504, 0}, "nothing": {500},
}

// TestTortureMischief does all of it, again and again: the next request is served, and nothing
// is left over.
func TestTortureMischief(t *testing.T) {
	t.Parallel()
	eachMode(t, []string{"--timeout", "5s", "--workers", "2"}, func(t *testing.T, c *culprit) {
		c.says("well", "/ok")
		processes, files := 0, 0
		count := func() int {
			if c.process == nil {
				return 0
			}
			return descriptors(t, c.process)
		}
		if c.listens {
			c.few(4) // the adapter, the parent, and two workers
			processes, files = 4, count()
		}
		paths := slices.Collect(maps.Keys(mischief))
		rand.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		rounds := 1
		if torture {
			rounds = 3
		}
		for range rounds {
			for _, path := range paths[:few(len(paths), 5)] {
				want := mischief[path]
				if want == nil {
					want = []int{200}
				}
				got := c.try("/" + path + "?" + filepath.Join(t.TempDir(), "x"))
				assert.Contains(t, want, got, path)
				for range 3 {
					c.says("well", "/ok")
				}
				if c.mode != "warm" {
					c.few(processes)
				}
			}
		}
		for end := time.Now().Add(60 * time.Second); count() > files+4 && time.Now().Before(end); {
			time.Sleep(5 * time.Millisecond)
		}
		assert.LessOrEqual(t, count(), files+4, "of the adapter")
	})
}
