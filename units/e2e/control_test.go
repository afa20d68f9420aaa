package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// control moves all processes of the machine into a control group of one more controller, because its systemd
// has none that limits anything. It returns the group's directory, "" if this machine doesn't have such a
// hierarchy to itself (cgroups(7), version 1).
func (s *site) control(controller string) (dir string) {
	s.t.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	require.NoError(s.t, err)
	parent := ""
	for line := range strings.Lines(string(own)) {
		// hierarchy-ID:controller-list:cgroup-path
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 && slices.Contains(strings.Split(parts[1], ","), controller) {
			parent = filepath.Join("/sys/fs/cgroup", parts[1], parts[2])
		}
	}
	if parent == "" {
		return ""
	}
	dir = filepath.Join(parent, fmt.Sprintf("socketgi-%d-%d", os.Getpid(), s.Leader))
	if err := os.Mkdir(dir, 0o755); err != nil {
		s.t.Logf("no limits of %s here: %v", controller, err)
		return ""
	}
	s.t.Cleanup(func() {
		s.Wait("the group to be empty", func() error {
			s.move(parent)
			return os.Remove(dir)
		})
	})
	s.move(dir)
	return dir
}

// move moves all processes of the machine into a group, including those that they start meanwhile.
func (s *site) move(dir string) {
	for range 2 {
		for _, pid := range s.pids() {
			_ = os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0) // it may have ended
		}
	}
}

// pids returns the machine's processes, by their numbers on this machine.
func (s *site) pids() (pids []int) {
	s.t.Helper()
	machine, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", s.Leader))
	require.NoError(s.t, err)
	all, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(s.t, err)
	for _, p := range all {
		if ns, err := os.Readlink(p + "/ns/pid"); err == nil && ns == machine {
			pid, _ := strconv.Atoi(filepath.Base(p))
			pids = append(pids, pid)
		}
	}
	return pids
}

// number reads a number from a file.
func number(t testing.TB, path string) int64 {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	require.NoError(t, err)
	return n
}
