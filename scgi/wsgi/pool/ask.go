package pool

import (
	"errors"
	"os"
	"strconv"

	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// This file is how ExecReload= learns whether the application was loaded: a process of this
// program (--ask-reload) asks the one that serves. Both are of one user and one network
// namespace, which an abstract socket is found in (unix(7)); and each checks the other's user or process.

// reloadSocket is where the adapter with that process id is asked.
func reloadSocket(pid int) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: "@socketgi/reload/" + strconv.Itoa(pid)}
}

// AskReload has the adapter with that process id load its application again, and returns
// why it could not.
func AskReload(pid int) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, reloadSocket(pid)); err != nil {
		return errors.New("process " + strconv.Itoa(pid) + " is no adapter that has one loaded (" + err.Error() + ")")
	}
	if peer, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED); err != nil || int(peer.Pid) != pid {
		return errors.New("somebody else answers for process " + strconv.Itoa(pid))
	}
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		switch {
		case err == unix.EINTR:
		case err != nil || n == 0:
			return errors.New("the adapter ended meanwhile")
		case string(buf[:n]) == "ok":
			return nil
		default:
			return errors.New(string(buf[:n]))
		}
	}
}

// hearAskers has the keeper be asked. Where that can't be, SIGHUP is left.
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

// answerAskers tells the processes that have asked for a load how it went.
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
