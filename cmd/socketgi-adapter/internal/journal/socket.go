package journal

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
	"golang.org/x/sys/unix"
)

// go-systemd's journal package would do this; it imports net, which costs every
// start 0.1 ms, and 1.3 ms when the program is linked with cgo.

const (
	entrySocket  = "/run/systemd/journal/socket"
	streamSocket = "/run/systemd/journal/stdout"
)

// entryPatience is how long an entry waits for a journald that doesn't read. What is sent next
// doesn't wait then, until it reads again.
const entryPatience = 100 * time.Millisecond

// socket is a connection to journald by its native protocol
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/), as one descriptor.
type socket int

func openSocket() (socket, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	most := unix.NsecToTimeval(entryPatience.Nanoseconds())
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &most)
	j := socket(fd)
	if err := j.connect(); err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("connect to the journal", err)
	}
	return j, nil
}

func (j socket) connect() error {
	return unix.Connect(int(j), &unix.SockaddrUnix{Name: entrySocket})
}

// field is one field of a journal entry.
type field struct{ name, value string }

// send sends an entry. Where journald doesn't read it waits for a moment, and with
// unix.MSG_DONTWAIT in flags not at all; the error is unix.EAGAIN then.
func (j socket) send(fields []field, flags int) error {
	msg, whole := encode(fields, math.MaxInt), true
	for again := true; ; {
		err := unix.Sendto(int(j), msg, flags|unix.MSG_NOSIGNAL, nil)
		switch {
		case err == unix.EINTR: // SO_SNDTIMEO keeps the kernel from going on by itself (signal(7))
		case err == unix.EMSGSIZE && whole:
			msg, whole = encode(fields, mostValue), false
		case err == unix.ECONNREFUSED && again && j.connect() == nil:
			again = false // journald's socket is another one now
		default:
			return err
		}
	}
}

// mostValue is how many bytes a value has in an entry that is larger than a datagram may be: a client
// decides how long a path is, and must not decide whether there is a record of it.
const mostValue = 8 << 10

// encode puts an entry into the words of the protocol, with at most so many bytes of a value.
func encode(fields []field, most int) []byte {
	msg := make([]byte, 0, 640) // more than most records have
	for _, f := range fields {
		value := shorten(f.value, most)
		msg = append(msg, f.name...)
		if strings.IndexByte(value, '\n') < 0 {
			msg = append(msg, '=')
		} else {
			msg = append(msg, '\n')
			msg = binary.LittleEndian.AppendUint64(msg, uint64(len(value)))
		}
		msg = append(msg, value...)
		msg = append(msg, '\n')
	}
	return msg
}

// shorten removes the middle of a text longer than most bytes: the beginning of a path identifies it, and the end of
// a record or a traceback is the most useful.
func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	const end = 1 << 10
	return strings.ToValidUTF8(s[:most-end], "") + "[" + strconv.Itoa(len(s)-most) + " bytes cut]" + strings.ToValidUTF8(s[len(s)-end:], "")
}

// wait waits until another entry can be sent. It polls after pauses, in which journald reads several
// entries: a wake-up for each of them costs more than the entry.
func (j socket) wait() {
	fds := []unix.PollFd{{Fd: int32(j), Events: unix.POLLOUT}}
	for {
		if n, err := unix.Poll(fds, 0); n > 0 || err != nil && err != unix.EINTR {
			return
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// settle waits until journald has read all that was sent. It looks the sender up
// in /proc while it reads, and an entry of a process that has ended by then
// belongs to no unit. The empty datagram is read, and ignored, only after the
// entry before it has been dealt with.
func (j socket) settle(most time.Duration) {
	if unix.Sendto(int(j), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT, nil) != nil {
		return
	}
	deadline := time.Now().Add(most)
	for pause := 50 * time.Microsecond; time.Now().Before(deadline); pause = min(2*pause, 2*time.Millisecond) {
		if queued, err := unix.IoctlGetInt(int(j), unix.SIOCOUTQ); err != nil || queued == 0 {
			return
		}
		time.Sleep(pause)
	}
}

// stderrIsJournal reports whether standard error is the journal's: systemd sets
// JOURNAL_STREAM to its device and inode then (systemd.exec(5)).
func stderrIsJournal() bool {
	dev, ino, ok := strings.Cut(os.Getenv("JOURNAL_STREAM"), ":")
	if !ok {
		return false
	}
	var st unix.Stat_t
	return unix.Fstat(2, &st) == nil &&
		strconv.FormatUint(st.Dev, 10) == dev && strconv.FormatUint(st.Ino, 10) == ino
}

// openStream opens a stream into the journal, as sd_journal_stream_fd(3)
// does: what is written to it is logged line by line.
func openStream(identifier string, priority gateway.Priority) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: streamSocket})
	if err == nil {
		var b bytes.Buffer
		b.WriteString(identifier + "\n\n" + strconv.Itoa(int(priority)) + "\n1\n0\n0\n0\n")
		_, err = unix.Write(fd, b.Bytes())
	}
	if err != nil {
		unix.Close(fd)
		return -1, os.NewSyscallError("connect to the journal", err)
	}
	return fd, nil
}
