package gateway

import (
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxConnections is how many connections are held at once, where there may be as many
	// processes as that takes; more wait in the kernel, where nothing is lost.
	maxConnections = 1024
	// tasks is how many threads and processes one connection is thought to need: a thread
	// here, and a program that has two others.
	tasks = 4
)

// MostConnections is how many connections can be held, up to a given number: Go ends a
// process that can't have one more thread, and each waits in a thread of its own.
func MostConnections(backlog int) int { return min(backlog, mostConnections(taskLimit())) }

func mostConnections(limit uint64) int { return int(max(1, min(maxConnections, limit/tasks))) }

// taskLimit is how many threads and processes there may be: RLIMIT_NPROC of the user, and
// TasksMax= of the unit.
func taskLimit() uint64 {
	limit := uint64(math.MaxUint64)
	var r unix.Rlimit
	if os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &r) == nil {
		limit = r.Cur
	}
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			text, _ := os.ReadFile("/sys/fs/cgroup" + path + "/pids.max")
			if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil { // or it is "max"
				limit = min(limit, n)
			}
		}
	}
	return limit
}
