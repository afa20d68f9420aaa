// Package nginx looks at the nginx that runs on this machine, and reloads it.
package nginx

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// ErrMissing is returned where nginx is not installed.
var ErrMissing = errors.New("nginx is not installed here")

// ErrNotRunning is returned where nginx's file of its process id is missing or names no process.
var ErrNotRunning = errors.New("nginx doesn't run")

// errUnknown is returned where the process id can't be learned.
var errUnknown = errors.New("nginx's pid file is unknown")

// Program returns the path of nginx, which is often outside of a user's PATH.
func Program() (string, error) {
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

var pidPath = regexp.MustCompile(`--pid-path=(\S+)`)

// PIDFile returns where nginx writes its process id: as its configuration has it, or else
// as nginx -V says that it was built.
func PIDFile(about string, conf []*nginxconf.Directive) string {
	file := ""
	if m := pidPath.FindStringSubmatch(about); m != nil {
		file = m[1]
	}
	nginxconf.Walk(conf, func(d *nginxconf.Directive) {
		if d.Name == "pid" && d.Up == nil {
			file = d.Arg(0)
		}
	})
	return file
}

// Master returns the process id of the nginx that wrote pidFile.
func Master(pidFile string) (int, error) {
	if !filepath.IsAbs(pidFile) {
		return 0, errUnknown // relative to a folder that isn't known
	}
	text, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return 0, ErrNotRunning
	}
	if err != nil {
		return 0, err
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text))) // nginx -t leaves an empty file where there was none
	if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); pid <= 0 || err != nil {
		return 0, ErrNotRunning
	}
	return pid, nil
}

// Worker is a worker process that accepts connections.
type Worker struct {
	PID int
	// Started is when, to a hundredth of a second.
	Started time.Time
}

// Workers returns the workers of master that accept connections. Those that only finish
// what they have begun change their title before they close their listening sockets, and
// accept nothing in between.
func Workers(master int) (workers []Worker) {
	id := strconv.Itoa(master)
	children, _ := os.ReadFile("/proc/" + id + "/task/" + id + "/children")
	for _, child := range strings.Fields(string(children)) {
		title, _ := os.ReadFile("/proc/" + child + "/cmdline")
		if !strings.Contains(string(title), "worker process") || strings.Contains(string(title), "shutting down") {
			continue
		}
		pid, _ := strconv.Atoi(child)
		if started := startTime(child); !started.IsZero() {
			workers = append(workers, Worker{PID: pid, Started: started})
		}
	}
	return workers
}

// startTime reads when a process was started (proc_pid_stat(5), field 22, in hundredths
// of a second since the boot).
func startTime(pid string) time.Time {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return time.Time{}
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return time.Time{}
	}
	ticks, err := strconv.ParseInt(fields[19], 10, 64)
	if err != nil {
		return time.Time{}
	}
	all, _ := os.ReadFile("/proc/stat")
	for line := range strings.Lines(string(all)) {
		if s, ok := strings.CutPrefix(line, "btime "); ok {
			boot, _ := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
			return time.Unix(boot, 0).Add(time.Duration(ticks) * 10 * time.Millisecond)
		}
	}
	return time.Time{}
}

// GroupsOf returns the supplementary groups of a process (Groups: in proc_pid_status(5)).
func GroupsOf(pid int) (groups []int) {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	for line := range strings.Lines(string(status)) {
		rest, ok := strings.CutPrefix(line, "Groups:")
		if !ok {
			if rest, ok = strings.CutPrefix(line, "Gid:"); !ok {
				continue
			}
		}
		for _, field := range strings.Fields(rest) {
			if n, err := strconv.Atoi(field); err == nil {
				groups = append(groups, n)
			}
		}
	}
	return groups
}
