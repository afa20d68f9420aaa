package gateway

import (
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// maxConnections limits the connections that are held at once; further ones wait in the kernel.
	maxConnections = 1024
	// tasks is the assumed number of threads and processes per connection: a thread of this process,
	// and a program with two more.
	tasks = 4
)

// MostConnections is the number of connections that can be held, up to backlog: each waits in its own
// thread, and Go aborts if a thread can't be created.
func MostConnections(backlog int) int { return min(backlog, mostConnections(taskLimit())) }

func mostConnections(limit uint64) int { return int(max(1, min(maxConnections, limit/tasks))) }

// taskLimit is the limit of threads and processes: RLIMIT_NPROC of the user, and TasksMax= of the unit.
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
