package doctor

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/dbus"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"golang.org/x/sys/unix"
)

// oldest is the first tested version of systemd.
const oldest = 252

func checkSystemd(_ context.Context, x *examination, _ *host.Application) (f findings) {
	if x.manager == nil {
		f.unchecked(failure.Text(x.noManager), "")
		return f
	}
	quoted, err := x.manager.GetManagerProperty("Version")
	if err != nil {
		f.unchecked(failure.Text(err), "")
		return f
	}
	text := strings.Trim(quoted, `"`)
	digits := len(text) - len(strings.TrimLeft(text, "0123456789"))
	if n, err := strconv.Atoi(text[:digits]); err == nil && n < oldest {
		f.note("systemd-old", fmt.Sprintf("systemd is %s; versions before %d are not tested", text, oldest), "some directives of the units may be unknown to it", "")
		return f
	}
	f.ok("systemd " + text)
	return f
}

// favor is the mount option of cgroup file systems that avoids waiting for all processors when a process
// is moved into a group. Set for one of them, it is in effect for all.
const favor = "favordynmods"

func checkCgroups(ctx context.Context, x *examination, _ *host.Application) (f findings) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		f.unchecked(failure.Text(err), "")
		return f
	}
	mount, options, favored := cgroups(string(text))
	switch {
	case favored:
		f.ok("control groups are mounted with " + favor)
		return f
	case x.manager == nil:
		f.unchecked("the cost of control groups without "+favor+" on this machine: systemd doesn't answer", "")
		return f
	case !x.root:
		f.unchecked("the cost of control groups without "+favor+" on this machine: only root can measure it", "sudo socketgi doctor")
		return f
	}
	row, pause, err := x.measure(ctx)
	if err != nil {
		f.unchecked("the cost of control groups without "+favor+": "+failure.Text(err), "")
		return f
	}
	mend := ""
	if mount != "" && hasFavor() {
		mend = "mount -o remount," + strings.Join(append(options, favor), ",") + " " + shell(mount)
	}
	f.note("cgroups-favordynmods", fmt.Sprintf("control groups are mounted without %s: systemd takes %.1f ms for a start after a pause, and %.1f right behind another", favor, ms(pause), ms(row)),
		"after a pause, moving a process into its group waits for all processors; with "+favor+" (Linux 6.0) forks and exits take a little longer instead", mend)
	return f
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// hasFavor reports whether the kernel knows the option.
func hasFavor() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	major, _, _ := strings.Cut(unix.ByteSliceToString(u.Release[:]), ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 6
}

// cgroups returns the mount point of cgroup2 in mountinfo (proc_pid_mountinfo(5)), its options, and whether
// one of the hierarchies has the option.
func cgroups(mountinfo string) (mount string, options []string, favored bool) {
	for line := range strings.Lines(mountinfo) {
		before, super, ok := strings.Cut(line, " - ")
		f, s := strings.Fields(before), strings.Fields(super)
		if !ok || len(f) < 5 || len(s) < 3 || s[0] != "cgroup2" && s[0] != "cgroup" {
			continue
		}
		all := strings.Split(s[2], ",")
		favored = favored || slices.Contains(all, favor)
		if s[0] == "cgroup2" && mount == "" {
			mount, options = f[4], all
		}
	}
	return mount, options, favored
}

// measure has systemd start /bin/true several times in a row and several times after a pause, and returns the
// medians.
func (x *examination) measure(ctx context.Context) (row, pause time.Duration, err error) {
	const rounds = 7
	const gap = 50 * time.Millisecond
	once := func(i int) (time.Duration, error) {
		unit := fmt.Sprintf("socketgi-check-%d-%d.service", os.Getpid(), i)
		ended := make(chan string, 1)
		start := time.Now()
		if _, err := x.manager.StartTransientUnitContext(ctx, unit, "replace", []dbus.Property{
			dbus.PropExecStart([]string{"/bin/true"}, false), dbus.PropType("oneshot")}, ended); err != nil {
			return 0, err
		}
		select {
		case <-ended:
			return time.Since(start), nil
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(5 * time.Second):
			return 0, fmt.Errorf("%s doesn't end", unit)
		}
	}
	median := func(first int, wait time.Duration) (time.Duration, error) {
		var times []time.Duration
		for i := range rounds {
			time.Sleep(wait)
			took, err := once(first + i)
			if err != nil {
				return 0, err
			}
			times = append(times, took)
		}
		slices.Sort(times)
		return times[rounds/2], nil
	}
	if _, err = median(0, 0); err != nil { // the first starts fill caches
		return 0, 0, err
	}
	if row, err = median(rounds, 0); err != nil {
		return 0, 0, err
	}
	pause, err = median(2*rounds, gap)
	return row, pause, err
}

// checkSecurity lists security modules that may deny access, which this program can't try: it doesn't
// run in the web server's domain.
func checkSecurity(_ context.Context, x *examination, _ *host.Application) (f findings) {
	if enforce, err := os.ReadFile("/sys/fs/selinux/enforce"); err == nil && strings.TrimSpace(string(enforce)) == "1" {
		f.note("selinux", "SELinux is enforcing", "it may keep nginx from a socket that its user could connect to; read the audit log",
			"ausearch -m AVC -c nginx --raw | audit2allow -M socketgi && semodule -i socketgi.pp")
	}
	profiles, err := os.ReadFile("/sys/kernel/security/apparmor/profiles")
	if os.IsPermission(err) {
		f.unchecked("whether AppArmor has a profile for nginx", "sudo socketgi doctor")
	}
	for line := range strings.Lines(string(profiles)) {
		name, mode, _ := strings.Cut(strings.TrimSpace(line), " (")
		if strings.HasSuffix(name, "nginx") && strings.HasPrefix(mode, "enforce") {
			f.note("apparmor", "AppArmor has the profile "+name+" for nginx", "it may keep nginx from a socket that its user could connect to; read the kernel's log",
				"echo '/run/socketgi/*.sock rw,' >> /etc/apparmor.d/local/usr.sbin.nginx && systemctl reload apparmor")
		}
	}
	if len(f) == 0 {
		f.ok("neither SELinux nor AppArmor restricts nginx")
	}
	return f
}
