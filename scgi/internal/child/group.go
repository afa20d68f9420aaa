package child

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// AdoptOrphans makes this process the parent of descendants whose own parent has
// ended, so that [Process.KillGroup] finds those that left the process group.
func AdoptOrphans() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// KillGroup kills the rest of the process group and, with [Attr].Alone, every other child that this
// process has or adopts meanwhile.
func (p *Process) KillGroup() {
	p.Signal(syscall.SIGKILL) // no signal after reap, which has killed the group
	if !p.alone {
		return
	}
	self := strconv.Itoa(os.Getpid())
	for range 100 { // limited, because a program may fork faster than its processes are killed
		others := 0
		for _, child := range children(self) {
			if child != p.pid {
				others++
				_ = syscall.Kill(child, syscall.SIGKILL)
				_, _ = syscall.Wait4(child, nil, 0, nil)
			}
		}
		if others == 0 {
			return
		}
	}
}

// parentOf returns the parent of a process, 0 if it is unknown (proc_pid_stat(5)).
func parentOf(pid int) int {
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(stat[bytes.LastIndexByte(stat, ')')+1:]), " ") // a name may contain any character
	if f := strings.Fields(rest); len(f) > 1 {
		n, _ := strconv.Atoi(f[1])
		return n
	}
	return 0
}

func children(pid string) (pids []int) {
	tasks, _ := os.ReadDir("/proc/" + pid + "/task")
	for _, t := range tasks {
		list, _ := os.ReadFile("/proc/" + pid + "/task/" + t.Name() + "/children")
		for f := range strings.FieldsSeq(string(list)) {
			if n, err := strconv.Atoi(f); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}
