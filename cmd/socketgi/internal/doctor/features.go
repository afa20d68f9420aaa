package doctor

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// Features returns a line with the version of systemd and those features of it and the kernel that the
// units use: seccomp, BPF, security modules and control groups.
func Features(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	answers := "answers"
	version, compiled := "", ""
	if m, err := (host.Host{}).Connect(ctx); err == nil {
		defer m.Close()
		version, _ = m.GetManagerProperty("Version")
		compiled, _ = m.GetManagerProperty("Features")
	}
	if version == "" {
		answers = "doesn't answer"
		out, err := exec.CommandContext(ctx, "systemctl", "--version").Output()
		if err != nil {
			return "none"
		}
		version, compiled, _ = strings.Cut(strings.TrimPrefix(string(out), "systemd "), "\n")
	}
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	return features(strings.Trim(version, `"`), answers, strings.Trim(compiled, `"`), string(mounts))
}

// features formats [Features].
func features(version, answers, compiled, mountinfo string) string {
	all := []string{version, answers}
	for _, f := range []struct{ flag, name string }{
		{"SECCOMP", "seccomp"}, {"BPF_FRAMEWORK", "bpf"}, {"SELINUX", "selinux"}, {"APPARMOR", "apparmor"},
	} {
		for _, word := range strings.Fields(compiled) {
			if word == "+"+f.flag {
				all = append(all, f.name)
			}
		}
	}
	mount, _, favored := cgroups(mountinfo)
	switch mount {
	case "":
		all = append(all, "control groups v1")
	case "/sys/fs/cgroup":
		all = append(all, "control groups v2")
	default: // /sys/fs/cgroup/unified, beside those of version 1
		all = append(all, "control groups v1 and v2")
	}
	if favored {
		all = append(all, favor)
	}
	return strings.Join(all, ", ")
}
