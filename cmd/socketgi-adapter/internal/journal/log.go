// Package journal logs for the adapter: to the journal with fields, or to standard error if there is no
// journal. The standard error of processes is logged, too.
package journal

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/scgi/gateway"
	"golang.org/x/sys/unix"
)

// Log writes to the journal with fields, or plain lines to standard error.
type Log struct {
	// Quiet omits the records of successful requests.
	Quiet bool

	native  bool // there is a journal
	connect sync.Once
	journal socket      // -1: none, or nothing was written
	unread  atomic.Bool // journald may not have read all entries
	// stuck is true while journald doesn't read, and left counts the entries dropped since.
	stuck atomic.Bool
	left  atomic.Int64
	// foreign is true if this process opened standard error as a stream to the journal. journald
	// attributes its lines only while the writer is alive.
	foreign bool
}

// Open opens the log of a process with the connection conn, -1 for none. Under inetd standard error is
// the connection, to which only the response may be written: it becomes a stream to the journal, or
// /dev/null without a journal.
func Open(conn int) *Log {
	l := &Log{journal: -1}
	native := stderrIsJournal()
	if conn >= 0 && activation.SameFile(2, conn) {
		fd, err := openStream(adapter.Program, gateway.Notice)
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

// Failure logs a fatal error.
func (l *Log) Failure(text string) { l.write(gateway.Error, text) }

// write logs one entry. Without a journal it writes the message after the request's id.
func (l *Log) write(priority gateway.Priority, message string, fields ...field) {
	if l.open() {
		fields = append(fields,
			field{"MESSAGE", message},
			field{"PRIORITY", strconv.Itoa(int(priority))},
			field{"SYSLOG_IDENTIFIER", adapter.Program})
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
		if f.name == adapter.FieldRequestID {
			message = f.value + " " + message
		}
	}
	_, _ = os.Stderr.WriteString(message + "\n")
}

// open reports whether there is a journal.
func (l *Log) open() bool {
	// Late: mostly the client has its response before the first entry.
	l.connect.Do(func() {
		if l.native {
			l.journal, _ = openSocket()
		}
	})
	return l.journal >= 0
}

// send sends an entry to the journal. If journald doesn't read, it delays one request for a moment; then
// entries are dropped until journald reads again.
func (l *Log) send(fields []field) error {
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
		l.Line(gateway.Line{Priority: gateway.Warning,
			Text: strconv.FormatInt(l.left.Swap(0), 10) + " entries were dropped: journald didn't read them"})
	}
	return err
}

// wait waits without a limit until journald accepts another entry.
func (l *Log) wait() {
	if l.open() {
		l.journal.wait()
	}
}

// Close returns when journald has attributed the entries to this process.
func (l *Log) Close() {
	if l.unread.Load() && !l.stuck.Load() {
		l.journal.settle(100 * time.Millisecond)
	}
}
