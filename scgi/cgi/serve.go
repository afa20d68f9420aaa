package cgi

import (
	"slices"
	"strconv"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// exchange is one response on its way from the program to the web server.
type exchange struct {
	*Program
	conn   int
	hangup int16 // the event of a closed connection, if POLLHUP doesn't report it
	res    outcome.Result

	buf     []byte    // a part of the head
	head    *head     // nil until it is parsed
	pending []byte    // to be sent
	blocked bool      // the connection is full
	since   time.Time // the start of blocked
	copying bool      // the kernel can't splice between these descriptors
	left    int64     // the rest of the body, in bytes; -1: no Content-Length
	closed  bool      // the program's output has ended

	idleSince time.Time
	exited    bool      // the program has ended
	graceEnd  time.Time // the end of Limits.Grace for other processes with its output
	rest      int64     // bytes to read after that; -1: before that
}

// Serve sends the response of the program to the connection, and returns at its end. If the response is
// incomplete, the program and its process group have ended.
func (p *Program) Serve(conn int) outcome.Result {
	x := &exchange{Program: p, conn: conn, left: -1, rest: -1, idleSince: time.Now()}
	// For TCP, POLLHUP isn't set when the peer closes. POLLRDHUP is, but also when it only ends its
	// sending, which no known web server does before it has the response.
	if domain, err := unix.GetsockoptInt(conn, unix.SOL_SOCKET, unix.SO_DOMAIN); err == nil && domain != unix.AF_UNIX {
		x.hangup = unix.POLLRDHUP
	}
	_ = unix.SetNonblock(conn, true)
	for !x.move() && !x.wait() {
	}
	if x.res.End != outcome.Whole {
		p.process.Kill()
	}
	return x.res
}

// wait waits until data can be moved, and returns whether the response is over before that.
func (x *exchange) wait() (over bool) {
	until, why := x.nextDeadline()
	now := time.Now()
	if !until.IsZero() && !now.Before(until) {
		if why != "" {
			if x.stuck(now) {
				x.res.End = outcome.Left // treated as a closed connection
			}
			return x.fail(outcome.Timeout, why)
		}
		x.rest = int64(available(x.out))
		return false
	}
	fds := [4]unix.PollFd{{Fd: int32(x.conn), Events: x.hangup}, {Fd: -1}, {Fd: int32(x.err), Events: unix.POLLIN}, {Fd: -1}}
	if x.blocked {
		fds[0].Events |= unix.POLLOUT
	} else {
		fds[1] = unix.PollFd{Fd: int32(x.out), Events: unix.POLLIN}
	}
	if !x.exited {
		fds[3] = unix.PollFd{Fd: int32(x.process.PidFD()), Events: unix.POLLIN}
		until = x.unwatched(until, now)
	}
	if _, err := poll.Until(fds[:], until); err != nil {
		return x.fail(outcome.Died, err.Error())
	}
	if fds[0].Revents&(unix.POLLHUP|unix.POLLERR|unix.POLLRDHUP) != 0 {
		x.res.End = outcome.Left
		return true
	}
	if fds[0].Revents&unix.POLLOUT != 0 {
		x.blocked, x.idleSince = false, time.Now()
	}
	if fds[2].Revents != 0 {
		x.takeLog()
	}
	if fds[3].Revents != 0 || !x.exited && x.process.PidFD() < 0 && x.process.Ended(now) {
		x.exited, x.graceEnd = true, time.Now().Add(x.limits.grace())
	}
	return false
}

// block records that the connection is full.
func (x *exchange) block() { x.blocked, x.since = true, time.Now() }

// stuck returns whether the web server has read nothing for SendTimeout.
func (x *exchange) stuck(now time.Time) bool {
	return x.blocked && x.limits.SendTimeout > 0 && !now.Before(x.since.Add(x.limits.SendTimeout))
}

// nextDeadline returns the next deadline, and the problem at that time; "": only the grace ends.
func (x *exchange) nextDeadline() (t time.Time, why string) {
	t, why = x.deadline, "no end of the response after "+outcome.FormatDuration(x.limits.Timeout)
	earlier := func(other time.Time, reason string) {
		if t.IsZero() || other.Before(t) {
			t, why = other, reason
		}
	}
	switch {
	case x.blocked:
		if x.limits.SendTimeout > 0 {
			earlier(x.since.Add(x.limits.SendTimeout),
				"the web server has read nothing of the response for "+outcome.FormatDuration(x.limits.SendTimeout)+": the response is cut off")
		}
	case !x.exited && x.limits.IdleTimeout > 0:
		earlier(x.idleSince.Add(x.limits.IdleTimeout), "the program sent nothing for "+outcome.FormatDuration(x.limits.IdleTimeout))
	case x.exited && x.rest < 0:
		earlier(x.graceEnd, "")
	}
	return t, why
}

// move moves data until it would block, and returns whether the response is over.
func (x *exchange) move() (over bool) {
	for !x.blocked {
		again := false
		switch {
		case len(x.pending) > 0:
			again, over = x.send()
		case x.head != nil && x.left == 0:
			return x.whole()
		case x.closed:
			return x.ended()
		case x.head == nil:
			again, over = x.readHead()
		default:
			again, over = x.moveBody()
		}
		if !again {
			return over
		}
	}
	return false
}

// send sends pending.
func (x *exchange) send() (again, over bool) {
	n, err := unix.SendmsgN(x.conn, x.pending, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	switch err {
	case nil:
		x.pending = x.pending[n:]
		x.res.Status = x.head.status
	case unix.EAGAIN:
		x.block()
	case unix.EINTR:
	default:
		x.res.End = outcome.Left
		return false, true
	}
	return true, false
}

// chunk is the number of bytes that are moved at once: the capacity of a pipe.
const chunk = 64 << 10

// firstRead is the initial size of the buffer for a head. Nearly every head fits, and a larger buffer
// would cost memory for each concurrent request.
const firstRead = 4 << 10

// readHead reads a part of the head.
func (x *exchange) readHead() (again, over bool) {
	most := x.limits.headBytes()
	if len(x.buf) == cap(x.buf) {
		x.buf = slices.Grow(x.buf, max(firstRead, len(x.buf)))
	}
	n, err := unix.Read(x.out, x.buf[len(x.buf):cap(x.buf)])
	if err != nil || n == 0 {
		return x.nothingRead(err)
	}
	x.idleSince = time.Now()
	x.buf = x.buf[:len(x.buf)+n]
	end := headEnd(x.buf)
	switch {
	case end > most || end == 0 && len(x.buf) > most:
		return false, x.refuse("the header of the program's response exceeds " + strconv.Itoa(most) + " bytes, or lacks the empty line at its end")
	case end == 0:
		return true, false
	}
	h, err := x.rules.parse(x.buf[:end])
	if err != nil {
		return false, x.refuse("the program's response is invalid: " + err.Error())
	}
	x.begin(h, x.buf[end:])
	return true, false
}

// refuse ends a response with an invalid head. It waits for more of the output, such as the rest of a
// traceback, for at most the grace.
func (x *exchange) refuse(why string) (over bool) {
	for end := time.Now().Add(x.limits.grace()); len(x.buf) < saidBytes; {
		if n, _ := poll.Until([]unix.PollFd{{Fd: int32(x.out), Events: unix.POLLIN}}, end); n == 0 {
			break
		}
		x.buf = slices.Grow(x.buf, saidBytes)
		n, err := unix.Read(x.out, x.buf[len(x.buf):cap(x.buf)])
		if err == unix.EAGAIN || err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			break
		}
		x.buf = x.buf[:len(x.buf)+n]
	}
	return x.fail(outcome.Died, why+said(x.buf))
}

// begin begins the response with its head and the first part of the body.
func (x *exchange) begin(h *head, body []byte) {
	x.head, x.left = h, h.length
	if h.noBody || x.isHead {
		x.left = 0
	}
	if x.left >= 0 {
		body = body[:min(int64(len(body)), x.left)]
	}
	x.pending, x.buf = append(h.wire, body...), nil
	x.count(len(body))
	x.res.End = outcome.Cut // until whole is called
}

func (x *exchange) count(n int) {
	x.res.Bytes += int64(n)
	if x.left >= 0 {
		x.left -= int64(n)
	}
	x.idleSince = time.Now()
}

// moveBody moves a part of the body.
func (x *exchange) moveBody() (again, over bool) {
	n := int64(chunk)
	if x.left >= 0 {
		n = min(n, x.left)
	}
	if x.rest >= 0 {
		n = min(n, x.rest)
	}
	if n == 0 {
		return x.nothingRead(nil)
	}
	var err error
	if x.copying {
		buf := make([]byte, n)
		var m int
		if m, err = unix.Read(x.out, buf); m > 0 {
			x.pending = buf[:m]
		}
		n = int64(m)
	} else {
		n, err = unix.Splice(x.out, nil, x.conn, nil, int(n), unix.SPLICE_F_MOVE|unix.SPLICE_F_NONBLOCK)
	}
	switch {
	case err == unix.EINVAL && !x.copying:
		x.copying = true
		return true, false
	case err == unix.EPIPE || err == unix.ECONNRESET:
		x.res.End = outcome.Left
		return false, true
	case err == unix.EAGAIN && !x.copying && available(x.out) > 0: // the connection is full
		x.block()
		return false, false
	case err != nil || n == 0:
		return x.nothingRead(err)
	}
	x.count(int(n))
	if x.rest >= 0 {
		x.rest -= n
	}
	return true, false
}

// nothingRead handles the end of the program's output, and output that is not ready.
func (x *exchange) nothingRead(err error) (again, over bool) {
	switch {
	case err == unix.EINTR:
		return true, false
	case err == unix.EAGAIN && x.rest < 0:
		return false, false
	case err == nil || err == unix.EAGAIN:
		x.closed = true
		return true, false
	}
	return false, x.fail(outcome.Died, "reading the program's response: "+err.Error())
}

// available returns the number of bytes that can be read.
func available(fd int) int {
	n, _ := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return n
}

// ended decides at the end of the program's output whether the response is complete.
func (x *exchange) ended() (over bool) {
	switch {
	case x.head == nil:
		return x.noHead()
	case x.left > 0:
		return x.fail(outcome.Died, "the program's output ended "+strconv.FormatInt(x.left, 10)+
			" bytes before the Content-Length of "+strconv.FormatInt(x.head.length, 10)+" that it announced")
	}
	return x.whole()
}

// exitGrace is the time to wait for the exit status after the end of the output: an ending program
// closes its output a moment before it exits.
const exitGrace = 100 * time.Millisecond

// whole ends a complete response. Without a Content-Length, a response is incomplete if its program was
// killed.
func (x *exchange) whole() (over bool) {
	if x.left < 0 && x.process.Ended(time.Now().Add(exitGrace)) {
		if usage := x.process.Wait(time.Time{}); usage.Signaled() {
			return x.fail(outcome.Died, "the program "+usage.Ending()+" in the middle of its response")
		}
	}
	x.res.End = outcome.Whole
	_ = unix.Shutdown(x.conn, unix.SHUT_WR) // fails only if the peer has closed the connection
	return true
}

// noHead ends a response whose output ended before its head was complete.
func (x *exchange) noHead() (over bool) {
	text := "without a byte of a response"
	if len(x.buf) > 0 {
		text = "before an empty line ended the head of its response: " + excerpt(x.buf)
		if len(x.buf) > excerptBytes {
			text += said(x.buf)
		}
	}
	if !x.process.Ended(time.Now().Add(exitGrace)) {
		return x.fail(outcome.Died, "the program closed its output "+text)
	}
	usage := x.process.Wait(time.Time{})
	text = "the program " + usage.Ending() + ", " + text
	// The exit statuses of a shell and of env(1) that can't execute something (POSIX, 2.8.2).
	if status := usage.Status.ExitStatus(); len(x.buf) == 0 && !usage.Signaled() && (status == 126 || status == 127) {
		if _, carriageReturn := shebang(x.script.path); carriageReturn {
			text += ": " + crlf(x.script.path)
		}
		return x.fail(outcome.Failed, text)
	}
	return x.fail(outcome.Died, text)
}

// fail ends an incomplete response.
func (x *exchange) fail(kind outcome.Kind, text string) (over bool) {
	x.res.Problem = &outcome.Problem{Kind: kind, Text: text}
	return true
}
