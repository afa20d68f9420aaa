package cgi

import (
	"time"

	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Wait waits until the program has ended, or its time is up, and says what it used.
// Until then what it says to its standard error is logged, and what it still writes
// to its standard output is read, so that it isn't held up, and thrown away.
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

// unwatched is until when to wait, at most until a deadline, for a program that may end
// meanwhile and whose end no descriptor tells: a kernel before 5.2 has none.
func (p *Program) unwatched(deadline, now time.Time) time.Time {
	soon := now.Add(20 * time.Millisecond)
	if p.process.PidFD() < 0 && (deadline.IsZero() || deadline.After(soon)) {
		return soon
	}
	return deadline
}

// takeLog logs what the program has said to its standard error.
func (p *Program) takeLog() {
	p.err = drain(p.err, func(b []byte) {
		if p.Log != nil {
			_, _ = p.Log.Write(b)
		}
	})
}

// drain reads what there is, but not what comes meanwhile: a program that writes faster than it
// is read would keep this process from everything else. It returns the descriptor, or -1 when
// that has ended and is closed.
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
