package journal

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
)

// Output logs the output of a request's program, each line as an entry.
type Output struct {
	lines
	log *Log
	of  gateway.Subject
}

// Output returns the log of a program. A line may have its own priority: "<3>..."
// (sd-daemon(3)).
func (l *Log) Output(of gateway.Subject) *Output {
	return &Output{log: l, of: of, lines: lines{line: func(line []byte) {
		l.writeLine(line, about(of))
	}}}
}

// writeLine logs a line of a program, which may have its own priority.
func (l *Log) writeLine(line []byte, fields []field) {
	priority := gateway.Notice
	if len(line) > 3 && line[0] == '<' && line[1] >= '0' && line[1] <= '7' && line[2] == '>' {
		priority, line = gateway.Priority(line[1]-'0'), line[3:]
	}
	l.write(priority, string(bytes.ToValidUTF8(line, []byte("\ufffd"))), fields...)
}

// Close logs the last line, and the number of dropped bytes. It never fails.
func (o *Output) Close() error {
	if o.end(); o.left > 0 {
		o.log.leftOut(about(o.of), o.left)
	}
	return nil
}

// leftOut logs the number of dropped bytes.
func (l *Log) leftOut(fields []field, n int64) {
	l.write(gateway.Warning, strconv.FormatInt(n, 10)+" more bytes of the program's standard error were dropped", fields...)
}

// Stderr returns the standard error for the process of a request, and a function that waits until all
// output is logged.
func (l *Log) Stderr(of gateway.Subject) (fd int, logged func()) {
	return l.pipe(func(from *os.File) {
		if l.foreign {
			l.copyLines(from, l.Output(of))
		} else {
			l.pass(from, floodRequest, about(of), nil)
		}
	})
}

// WarmStderr is [Log.Stderr] for warm workers. cutMark returns the request id of a line, "" for none, and
// the line without it.
func (l *Log) WarmStderr(cutMark func(line []byte) (id string, text []byte)) (fd int, logged func()) {
	return l.pipe(func(from *os.File) { l.pass(from, floodWarm, nil, cutMark) })
}

// pipe returns a pipe that is read by a goroutine.
func (l *Log) pipe(read func(from *os.File)) (fd int, logged func()) {
	if !l.native {
		return 2, func() {}
	}
	from, to, err := os.Pipe()
	if err != nil {
		return 2, func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		read(from)
	}()
	return int(to.Fd()), func() {
		to.Close()
		// A background process of the worker may still have it open.
		_ = from.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		<-done
		from.Close()
	}
}

// copyLines logs each line as an entry.
func (l *Log) copyLines(from *os.File, to *Output) {
	defer to.Close()
	buf := make([]byte, 8<<10)
	for {
		n, err := from.Read(buf)
		_, _ = to.Write(buf[:n])
		if err != nil {
			return
		}
	}
}
