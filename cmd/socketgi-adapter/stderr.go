package main

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"github.com/socketgi/socketgi/scgi/child"
)

// lines returns what logs a program's standard error, each line as an entry of its
// request. A line may say its own priority: "<3>..." (sd-daemon(3)).
func (l *logger) lines(r *request) *child.Lines {
	return &child.Lines{Line: func(line []byte) {
		priority := prioNotice
		if len(line) > 3 && line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>' {
			priority, line = int(line[1]-'0'), line[3:]
		}
		l.write(priority, string(bytes.ToValidUTF8(line, []byte("\ufffd"))), r.fields()...)
	}}
}

// leftOut says how much of a program's standard error was too much. r is nil where that of
// several requests is one.
func (l *logger) leftOut(r *request, n int64) {
	fields := []field{{"MESSAGE_ID", msgProblem}}
	if r != nil {
		fields = r.fields()
	}
	l.write(prioWarning, strconv.FormatInt(n, 10)+" more bytes that the program wrote to its standard error are left out", fields...)
}

// stderr returns the standard error for the worker of a request, or with nil for those that
// stay, and what waits until all that came through it is in the log.
func (l *logger) stderr(r *request) (fd int, logged func()) {
	if !l.native {
		return 2, func() {}
	}
	from, to, err := os.Pipe()
	if err != nil {
		return 2, func() {}
	}
	pass := func() { l.pass(from, r) }
	if l.foreign && r != nil {
		pass = func() { l.logLines(from, r) }
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		pass()
	}()
	return int(to.Fd()), func() {
		to.Close()
		// A process that the worker left behind may still have it open.
		_ = from.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		<-done
		from.Close()
	}
}

// logLines makes entries of lines.
func (l *logger) logLines(from *os.File, r *request) {
	lines := l.lines(r)
	buf := make([]byte, 8<<10)
	for {
		n, err := from.Read(buf)
		_, _ = lines.Write(buf[:n])
		if err != nil {
			lines.End()
			if lines.Left > 0 {
				l.leftOut(r, lines.Left)
			}
			return
		}
	}
}
