package activation

import (
	"os"

	"golang.org/x/sys/unix"
)

// The states that a service tells its manager (sd_notify(3)).
const (
	Ready    = "READY=1"    // it can answer
	Stopping = "STOPPING=1" // it is about to exit
)

// Notify tells the service manager a state, as sd_notify(3) does: Ready, Stopping,
// or "STATUS=..." with one line for a person; several are separated by line breaks.
// Without a manager that wants to hear (Type=notify), it does nothing and returns nil.
// The error is an os.SyscallError: the manager's socket ($NOTIFY_SOCKET) is gone, say.
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
