package main

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/socketgi/socketgi/activation"
	"golang.org/x/sys/unix"
)

// Message ids of the two kinds of entries (sd_id128(3)): journalctl finds all of
// a kind by MESSAGE_ID=.
const (
	msgRequest = "1f2f4ac1f4f14ec1a3f8b9a40c7de4a6"
	msgProblem = "b0c5d3c9f7c14f4d8d2b0f0a6f1f8c37"
)

// logger writes to the journal with fields, or plain lines to standard error.
type logger struct {
	native  bool // there is a journal to write to
	connect sync.Once
	journal journal     // -1: none, or nothing was written
	unread  atomic.Bool // something was sent that journald may not have read yet
	// stuck says that journald doesn't read, and left how many entries were left out since.
	stuck atomic.Bool
	left  atomic.Int64
	// foreign says that standard error is a stream into the journal that this process
	// opened. journald finds out whose a line in it is only while the writer lives.
	foreign bool
}

// openLog finds out where the log is. Under inetd standard error is the
// connection: then it becomes a stream into the journal, or, where there is no
// journal, /dev/null, because nothing but the response may be written to it.
func openLog(conn int) *logger {
	l := &logger{journal: -1}
	native := stderrIsJournal()
	if conn >= 0 && activation.SameFile(2, conn) {
		fd, err := journalStream("socketgi-adapter", prioNotice)
		native = err == nil
		if l.foreign = native; !native {
			fd, _ = unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0)
		}
		if fd >= 0 {
			_ = unix.Dup3(fd, 2, 0)
			unix.Close(fd)
		}
	}
	if conn >= 0 && activation.SameFile(1, conn) {
		_ = unix.Dup3(2, 1, 0)
	}
	l.native = native
	return l
}

// write logs one entry. Without a journal the message alone is written, behind the
// request's id, and on more than one line when it has more.
func (l *logger) write(priority int, message string, fields ...field) {
	if l.open() {
		fields = append(fields,
			field{"MESSAGE", message},
			field{"PRIORITY", strconv.Itoa(priority)},
			field{"SYSLOG_IDENTIFIER", "socketgi-adapter"})
		switch l.send(fields) {
		case nil:
			l.unread.Store(true)
			return
		case unix.EAGAIN:
			// Not to standard error: the same journald reads that.
			return
		}
	}
	for _, f := range fields {
		if f.name == "SOCKETGI_REQUEST_ID" {
			message = f.value + " " + message
		}
	}
	_, _ = os.Stderr.WriteString(message + "\n")
}

// open tells whether there is a journal to write to.
func (l *logger) open() bool {
	// Not sooner, because nobody waits for it then.
	l.connect.Do(func() {
		if l.native {
			l.journal, _ = openJournal()
		}
	})
	return l.journal >= 0
}

// send sends an entry to the journal. One that stopped reading holds a request up for a
// moment, once; until it reads again entries are left out.
func (l *logger) send(fields []field) error {
	flags := 0
	if l.stuck.Load() {
		flags = unix.MSG_DONTWAIT
	}
	err := l.journal.send(fields, flags)
	switch {
	case err == unix.EAGAIN:
		l.stuck.Store(true)
		l.left.Add(1)
	case l.stuck.Swap(false):
		l.write(prioWarning, strconv.FormatInt(l.left.Swap(0), 10)+" entries are left out: the journal was not read",
			field{"MESSAGE_ID", msgProblem})
	}
	return err
}

// wait waits until the journal takes another entry, however long that is.
func (l *logger) wait() {
	if l.open() {
		l.journal.wait()
	}
}

// close returns when journald knows whose entries they are.
func (l *logger) close() {
	if l.unread.Load() && !l.stuck.Load() {
		l.journal.settle(100 * time.Millisecond)
	}
}

// printable makes a path of a request fit for a log: a control character can
// neither end the line nor steer a terminal.
func printable(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			q := strconv.QuoteToASCII(s)
			return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
		}
	}
	return s
}

func milliseconds(d time.Duration) string {
	return strconv.FormatFloat(float64(d.Microseconds())/1000, 'f', 1, 64)
}
