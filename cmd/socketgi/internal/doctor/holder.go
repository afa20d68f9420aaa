package doctor

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// holder names the process other than systemd that listens at a TCP port, "" for none or an invisible one.
func holder(port string) string {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return ""
	}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table)
		if inode := listening(string(text), uint16(n)); inode != "" {
			return owns(inode)
		}
	}
	return ""
}

// listening finds in a table of proc_pid_net(5) the inode of a socket that listens at a port.
func listening(table string, port uint16) (inode string) {
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) > 9 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", port)) {
			return f[9]
		}
	}
	return ""
}

// owns returns the name of the process that has a socket.
func owns(inode string) string {
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	for _, link := range links {
		target, err := os.Readlink(link)
		if pid := strings.Split(link, "/")[2]; err == nil && target == "socket:["+inode+"]" && pid != "1" {
			comm, _ := os.ReadFile("/proc/" + pid + "/comm")
			return fmt.Sprintf("process %s (%s)", pid, strings.TrimSpace(string(comm)))
		}
	}
	return ""
}
