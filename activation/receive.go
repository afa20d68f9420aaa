package activation

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// listenFDsStart is the first descriptor that a service manager passes,
// SD_LISTEN_FDS_START in sd_listen_fds(3).
const listenFDsStart = 3

// ErrNothing is returned if no socket was passed to this process.
var ErrNothing = errors.New("no socket was passed to this process")

// Socket is a stream socket passed to this process. Its descriptor is closed on exec.
type Socket struct {
	// FD is its descriptor, which the caller closes.
	FD int
	// Name is FileDescriptorName= of the socket unit: by default the unit's name, and "connection" for
	// the connection of an Accept=yes unit. It is empty if none was passed.
	Name string
}

// Handed are the sockets passed to a process: a connection or listeners, never both.
type Handed struct {
	// Connection is the one connection to serve, nil if there are listeners.
	Connection *Socket
	// Stdin is true if the socket was standard input, as for inetd and StandardInput=socket. Descriptor
	// 0 is /dev/null now.
	Stdin bool
	// Listeners are the sockets to accept connections from.
	Listeners []Socket
}

// Receive returns the sockets passed to this process. It removes LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES
// and LISTEN_PIDFDID from the environment: children don't see them, and a second call finds nothing.
//
// The error wraps [ErrNothing] if no socket was passed. Other errors are for invalid sockets, which stay
// open.
func Receive() (Handed, error) {
	listenPID, listenFDs, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		os.Unsetenv(name)
	}
	if listenPID != "" || listenFDs != "" {
		pid, err := strconv.Atoi(listenPID)
		if err != nil {
			return Handed{}, fmt.Errorf("LISTEN_PID=%q is not a process id", listenPID)
		}
		// Variables meant for another process are none (sd_listen_fds(3)).
		if pid == os.Getpid() {
			n, err := strconv.Atoi(listenFDs)
			if err != nil || n < 0 || n > 1<<16 {
				return Handed{}, fmt.Errorf("LISTEN_FDS=%q is not a number of descriptors", listenFDs)
			}
			if n > 0 {
				return passed(n, names)
			}
		}
	}
	if isSocket(0) {
		return stdin()
	}
	if listenPID != "" && os.Getpid() == 1 {
		return Handed{}, fmt.Errorf("LISTEN_PID=%s is a process id outside of this PID namespace: remove PrivatePIDs=yes, which systemd 257 doesn't support here", listenPID)
	}
	return Handed{}, ErrNothing
}

// passed classifies the descriptors that a service manager passed.
func passed(n int, names string) (Handed, error) {
	var name []string
	if names != "" {
		name = strings.Split(names, ":")
	}
	var connections, listeners []Socket
	for i := range n {
		s := Socket{FD: listenFDsStart + i}
		if i < len(name) {
			s.Name = name[i]
		}
		unix.CloseOnExec(s.FD)
		listening, err := inspect(s.FD)
		if err != nil {
			return Handed{}, err
		}
		if listening {
			listeners = append(listeners, s)
		} else {
			connections = append(connections, s)
		}
	}
	switch {
	case len(connections) == 1 && n == 1:
		return Handed{Connection: &connections[0]}, nil
	case len(connections) == 0:
		return Handed{Listeners: listeners}, nil
	}
	return Handed{}, fmt.Errorf("%d descriptors were passed, %d of them connections: "+
		"an Accept=yes socket must pass one connection only", n, len(connections))
}

// stdin moves the socket from standard input to another descriptor: children must not read the request.
// inetd passes listening sockets of "wait" services like this, too.
func stdin() (Handed, error) {
	listening, err := inspect(0)
	if err != nil {
		return Handed{}, err
	}
	fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, listenFDsStart)
	if err != nil {
		return Handed{}, os.NewSyscallError("fcntl", err)
	}
	null, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return Handed{}, os.NewSyscallError("open /dev/null", err)
	}
	defer unix.Close(null)
	if err := unix.Dup3(null, 0, 0); err != nil {
		return Handed{}, os.NewSyscallError("dup3", err)
	}
	s := Socket{FD: fd}
	if listening {
		return Handed{Listeners: []Socket{s}, Stdin: true}, nil
	}
	return Handed{Connection: &s, Stdin: true}, nil
}

// inspect distinguishes a listening socket from a connection, and refuses others.
func inspect(fd int) (listening bool, err error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	switch {
	case err == unix.ENOTSOCK:
		return false, fmt.Errorf("descriptor %d is not a socket: use ListenStream=", fd)
	case err != nil:
		return false, fmt.Errorf("descriptor %d: %w", fd, err)
	case kind != unix.SOCK_STREAM:
		return false, fmt.Errorf("descriptor %d is not a stream socket: use ListenStream=", fd)
	}
	accepts, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	if err != nil {
		return false, fmt.Errorf("descriptor %d: %w", fd, err)
	}
	return accepts == 1, nil
}

func isSocket(fd int) bool {
	_, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	return err == nil
}

// SameFile reports whether two descriptors refer to the same file. Under inetd, standard output and
// error are the connection, to which only the response may be written.
func SameFile(a, b int) bool {
	var sa, sb unix.Stat_t
	return unix.Fstat(a, &sa) == nil && unix.Fstat(b, &sb) == nil && sa.Dev == sb.Dev && sa.Ino == sb.Ino
}
