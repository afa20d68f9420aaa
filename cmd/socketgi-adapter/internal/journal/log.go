// Package journal is where the adapter logs: the journal, with fields, or where there is
// none, standard error. What processes write to their standard error goes there, too.
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
	// Quiet leaves out the records of requests that went well.
	Quiet bool

	native  bool // there is a journal to write to
	connect sync.Once
	journal socket      // -1: none, or nothing was written
	unread  atomic.Bool // something was sent that journald may not have read yet
	// stuck is true while journald doesn't read, and left counts the entries left out since.
	stuck atomic.Bool
	left  atomic.Int64
	// foreign is true where standard error is a stream into the journal that this process
	// opened. journald finds out whose a line in it is only while the writer lives.
	foreign bool
}

// Open finds out where the log is, for a process that was handed the connection conn, -1:
// none. Under inetd standard error is the connection: then it becomes a stream into the
// journal, or, where there is no journal, /dev/null, because nothing but the response may
// be written to it.
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

// Failure logs why this process can't do what it is for.
func (l *Log) Failure(text string) { l.write(gateway.Error, text) }

// write logs one entry. Without a journal the message alone is written, behind the
// request's id, and on more than one line when it has more.
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

// open tells whether there is a journal to write to.
func (l *Log) open() bool {
	// Not sooner: by the first entry the client mostly has its response.
	l.connect.Do(func() {
		if l.native {
			l.journal, _ = openSocket()
		}
	})
	return l.journal >= 0
}

// send sends an entry to the journal. One that stopped reading holds a request up for a
// moment, once; until it reads again entries are left out.
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
			Text: strconv.FormatInt(l.left.Swap(0), 10) + " entries are left out: the journal was not read"})
	}
	return err
}

// wait waits until the journal takes another entry, however long that is.
func (l *Log) wait() {
	if l.open() {
		l.journal.wait()
	}
}

// Close returns when journald knows whose entries they are.
func (l *Log) Close() {
	if l.unread.Load() && !l.stuck.Load() {
		l.journal.settle(100 * time.Millisecond)
	}
}
