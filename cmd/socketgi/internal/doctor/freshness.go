package doctor

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// freshness compares the age of nginx's workers with that of its configuration.
func freshness(web *webServer, f *findings) {
	pidFile := web.pidFile
	newest, newestFile := time.Time{}, ""
	seen := map[string]bool{}
	nginxconf.Walk(web.conf, func(d *nginxconf.Directive) {
		if d.Name == "pid" && d.Up == nil {
			pidFile = d.Arg(0)
		}
		if !seen[d.File] {
			seen[d.File] = true
			if info, err := os.Stat(d.File); err == nil && info.ModTime().After(newest) {
				newest, newestFile = info.ModTime(), d.File
			}
		}
	})
	if !filepath.IsAbs(pidFile) {
		return // it is relative to a folder that isn't known
	}
	text, err := os.ReadFile(pidFile)
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	if os.IsNotExist(err) || err == nil && !running(pid) {
		f.fail("nginx doesn't run", "nobody answers the browser", "systemctl enable --now nginx")
		return
	}
	if err != nil || pid == 0 {
		return // a file that may not be read, or one that is elsewhere: not known
	}
	// Workers are made anew at each reload. A clock tick and the second in which the
	// machine was booted are rounded.
	if started := oldestWorker(pid); !started.IsZero() && newest.After(started.Add(2*time.Second)) {
		f.warn("nginx has not read "+newestFile+" since it was changed", "what it says doesn't count yet", "nginx -t && systemctl reload nginx")
	}
}

func running(pid int) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(pid))
	return pid > 0 && err == nil
}

// oldestWorker returns when the oldest worker was started that goes on. Those that only
// end what they have begun hang on for long.
func oldestWorker(master int) (oldest time.Time) {
	children, _ := os.ReadFile("/proc/" + strconv.Itoa(master) + "/task/" + strconv.Itoa(master) + "/children")
	for _, child := range strings.Fields(string(children)) {
		title, _ := os.ReadFile("/proc/" + child + "/cmdline")
		if strings.Contains(string(title), "shutting down") {
			continue
		}
		if t := startTime(child); !t.IsZero() && (oldest.IsZero() || t.Before(oldest)) {
			oldest = t
		}
	}
	return oldest
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
