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

// ErrNothing is returned when this process was handed no socket at all.
var ErrNothing = errors.New("no socket was handed to this process")

// Socket is a stream socket that this process was handed. Its descriptor is
// closed on exec.
type Socket struct {
	// FD is its descriptor, which the caller closes.
	FD int
	// Name is what FileDescriptorName= says in the socket unit: by default the
	// unit's name, for the connection of an Accept=yes unit "connection". It is
	// empty when none was passed.
	Name string
}

// Handed is what a process was handed: a connection or listeners, never both.
type Handed struct {
	// Connection is the one connection to serve, nil if there are listeners.
	Connection *Socket
	// Stdin says that the connection came as standard input, as inetd and
	// StandardInput=socket pass it. Descriptor 0 is /dev/null now.
	Stdin bool
	// Listeners are the sockets to accept connections from.
	Listeners []Socket
}

// Receive takes what this process was handed. It removes LISTEN_PID, LISTEN_FDS,
// LISTEN_FDNAMES and LISTEN_PIDFDID from the environment, so that no child takes
// them for its own, and a second call finds nothing.
//
// The error wraps [ErrNothing] when there was nothing. Any other error says what
// is wrong with what there was; the sockets are still open then.
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
		return Handed{}, fmt.Errorf("LISTEN_PID=%s is the process id outside of this PID namespace: systemd 257 does that with PrivatePIDs=yes, remove it", listenPID)
	}
	return Handed{}, ErrNothing
}

// passed sorts the descriptors that a service manager passed.
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
		"an Accept=yes socket passes one connection and nothing else", n, len(connections))
}

// stdin moves the socket that is standard input out of the way, so that what is
// started from here on doesn't read the request. Listeners come like this from
// inetd's "wait" services.
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

// inspect tells a listening socket from a connection, and refuses what is
// neither.
func inspect(fd int) (listening bool, err error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	switch {
	case err == unix.ENOTSOCK:
		return false, fmt.Errorf("descriptor %d is not a socket: only ListenStream= is of use here", fd)
	case err != nil:
		return false, fmt.Errorf("descriptor %d: %w", fd, err)
	case kind != unix.SOCK_STREAM:
		return false, fmt.Errorf("descriptor %d is not a stream socket: only ListenStream= is of use here", fd)
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

// SameFile tells whether two descriptors are open on the same thing. Under inetd
// standard output and error are the connection, and nothing but the response may
// be written to them.
func SameFile(a, b int) bool {
	var sa, sb unix.Stat_t
	return unix.Fstat(a, &sa) == nil && unix.Fstat(b, &sb) == nil && sa.Dev == sb.Dev && sa.Ino == sb.Ino
}
