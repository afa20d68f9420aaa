package activation

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The states that a service tells its manager (sd_notify(3)). [Status] and [Reloading]
// return others.
const (
	Ready    = "READY=1"    // it can answer, or has been reloaded
	Stopping = "STOPPING=1" // it is about to exit
	Watchdog = "WATCHDOG=1" // it works; see [FeedWatchdog]
)

// Status is the state that has one line for a person, which systemctl status shows. Line
// breaks in it become spaces.
func Status(line string) string { return "STATUS=" + strings.ReplaceAll(line, "\n", " ") }

// Reloading is the state of a service that begins now to reload its configuration; [Ready]
// ends it. It has the time that Type=notify-reload asks for (systemd 253).
func Reloading() string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	return "RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(now.Nano()/1000, 10)
}

// Notify tells the service manager a state, as sd_notify(3) does; several are separated by
// line breaks. Without a manager that wants to hear (Type=notify), it does nothing and
// returns nil. The error is an [os.SyscallError]: the manager's socket ($NOTIFY_SOCKET) is
// gone, say. Notify waits while the manager is too busy to read.
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
	return os.NewSyscallError("send to the service manager", err)
}
