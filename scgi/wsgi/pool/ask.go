package pool

import (
	"errors"
	"os"
	"strconv"

	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// This file lets ExecReload= wait for a reload and return its result: a second process of the program
// (--ask-reload) asks the main process through an abstract socket (unix(7)). Such sockets belong to a
// network namespace, which both processes share. The main process checks the user of the second, and
// the second the process id of the main process.

// reloadSocket returns the address of the reload socket of the adapter with that process id.
func reloadSocket(pid int) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: "@socketgi/reload/" + strconv.Itoa(pid)}
}

// AskReload has the adapter with that process id reload its application, and waits for the result.
// The error of a failed load is the last line of its traceback.
func AskReload(pid int) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, reloadSocket(pid)); err != nil {
		return errors.New("process " + strconv.Itoa(pid) + " is not an adapter with a warm application (" + err.Error() + ")")
	}
	if peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err != nil || int(peer.Pid) != pid {
		return errors.New("the reload socket of process " + strconv.Itoa(pid) + " belongs to another process")
	}
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		switch {
		case err == unix.EINTR:
		case err != nil || n == 0:
			return errors.New("the adapter ended before the application was reloaded")
		case string(buf[:n]) == "ok":
			return nil
		default:
			return errors.New(string(buf[:n]))
		}
	}
}

// hearAskers listens for [AskReload].
func (k *keeper) hearAskers() error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, reloadSocket(os.Getpid())); err != nil {
		unix.Close(fd)
		return os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, 16); err != nil {
		unix.Close(fd)
		return os.NewSyscallError("listen", err)
	}
	k.whenever(func() bool {
		for {
			asker, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
			if err != nil {
				return err == unix.EAGAIN || err == unix.ECONNABORTED || err == unix.EINTR
			}
			peer, err := unix.GetsockoptUcred(asker, unix.SOL_SOCKET, unix.SO_PEERCRED)
			if err != nil || peer.Uid != 0 && int(peer.Uid) != os.Geteuid() || len(k.askers) >= 16 {
				unix.Close(asker)
				continue
			}
			k.askers = append(k.askers, asker)
			k.reload()
		}
	}, fd)
	return nil
}

// answerAskers sends the result of a reload to the processes that asked for it.
func answerAskers(askers []int, problem *outcome.Problem) {
	text := "ok"
	if problem != nil {
		text = lastLine(problem.Text)
	}
	for _, fd := range askers {
		_ = unix.Sendto(fd, []byte(text[:min(len(text), 60000)]), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
		unix.Close(fd)
	}
}
