package cgi

import (
	"time"

	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Wait waits for the end of the program, kills it at its timeout, and returns its usage. Until then it logs
// the program's standard error, and discards its standard output, so that the program doesn't block.
func (p *Program) Wait() outcome.Usage {
	for p.out >= 0 || p.err >= 0 {
		now := time.Now()
		if !p.deadline.IsZero() && now.After(p.deadline) {
			break
		}
		fds := [3]unix.PollFd{{Fd: int32(p.out), Events: unix.POLLIN}, {Fd: int32(p.err), Events: unix.POLLIN},
			{Fd: int32(p.process.PidFD()), Events: unix.POLLIN}}
		if _, err := poll.Until(fds[:], p.unwatched(p.deadline, now)); err != nil {
			break
		}
		if fds[0].Revents != 0 {
			p.out = drain(p.out, func([]byte) {})
		}
		if fds[1].Revents != 0 {
			p.takeLog()
		}
		if fds[2].Revents != 0 || p.process.PidFD() < 0 && p.process.Ended(now) {
			break
		}
	}
	usage := p.process.Wait(p.deadline)
	p.takeLog()
	if p.Log != nil {
		p.Log.Close()
	}
	return usage
}

// unwatched returns the deadline, or an earlier time if no descriptor reports the end of the program: a
// kernel before 5.2 has no pidfd.
func (p *Program) unwatched(deadline, now time.Time) time.Time {
	soon := now.Add(20 * time.Millisecond)
	if p.process.PidFD() < 0 && (deadline.IsZero() || deadline.After(soon)) {
		return soon
	}
	return deadline
}

// takeLog logs the program's standard error.
func (p *Program) takeLog() {
	p.err = drain(p.err, func(b []byte) {
		if p.Log != nil {
			_, _ = p.Log.Write(b)
		}
	})
}

// drain reads the data that are available now, not later ones: a program that writes faster than they are
// read would occupy this process. It returns fd, or -1 when it has closed it at its end.
func drain(fd int, take func([]byte)) int {
	if fd < 0 {
		return -1
	}
	var buf [4 << 10]byte
	for most := available(fd); ; {
		n, err := unix.Read(fd, buf[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return fd
		case err != nil || n == 0:
			unix.Close(fd)
			return -1
		default:
			take(buf[:n])
			if most -= n; most <= 0 {
				return fd
			}
		}
	}
}
