package activation

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// States of a service (sd_notify(3)). [Status] and [Reloading] return others.
const (
	Ready    = "READY=1"    // started, or reloaded
	Stopping = "STOPPING=1" // about to exit
	Watchdog = "WATCHDOG=1" // alive; see [FeedWatchdog]
)

// Status is the state with a line for systemctl status. Line breaks in it become spaces.
func Status(line string) string { return "STATUS=" + strings.ReplaceAll(line, "\n", " ") }

// Reloading is the state of a service that begins to reload its configuration; [Ready] ends it. It has
// the timestamp that Type=notify-reload requires (systemd 253).
func Reloading() string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(now.Nano()/1000, 10)
}

// Notify sends a state to the service manager, as sd_notify(3) does; several are separated by line
// breaks. Without $NOTIFY_SOCKET (Type=notify) it does nothing and returns nil. The error is an
// [os.SyscallError], for example if the manager's socket is missing. Notify blocks while the manager
// doesn't read.
func Notify(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	// A name that begins with @ is an abstract one, which SockaddrUnix writes so, too.
	err = unix.Sendto(fd, []byte(state), unix.MSG_NOSIGNAL, &unix.SockaddrUnix{Name: name})
	return os.NewSyscallError("sendto", err)
}
