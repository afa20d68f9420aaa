package journal

import (
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
)

// This file makes entries of records and lines: their text for people, and their fields.

// Message ids of the two kinds of entries (sd_id128(3)): journalctl finds all of
// a kind by MESSAGE_ID=.
const (
	msgRequest = "1f2f4ac1f4f14ec1a3f8b9a40c7de4a6"
	msgProblem = "b0c5d3c9f7c14f4d8d2b0f0a6f1f8c37"
)

// Record logs a request that has ended. With Quiet that is only one that failed.
func (l *Log) Record(r gateway.Record) {
	if !l.wants(&r) {
		return
	}
	ms, cpu := milliseconds(r.Took), milliseconds(r.CPU)
	message := printable(r.Method) + " " + printable(r.Path) + " " + strconv.Itoa(r.Status) + " " +
		strconv.FormatInt(r.Bytes, 10) + " bytes " + ms + " ms, " + cpu + " ms CPU"
	memory := field{"SOCKETGI_PEAK_MEMORY", strconv.FormatInt(r.PeakMemory, 10)}
	if r.Warm {
		memory = field{"SOCKETGI_MEMORY_GROWTH", strconv.FormatInt(r.Growth, 10)}
		message += ", +" + strconv.FormatInt(r.Growth>>10, 10) + " KiB"
	} else {
		message += ", " + strconv.FormatInt(r.PeakMemory>>20, 10) + " MiB"
	}
	if r.Cut {
		message += ", cut"
	}
	if r.ExitStatus > 0 {
		message += ", exit status " + strconv.Itoa(r.ExitStatus)
	}
	fields := append(about(r.Subject),
		field{"MESSAGE_ID", msgRequest},
		field{"SOCKETGI_STATUS", strconv.Itoa(r.Status)},
		field{"SOCKETGI_BYTES", strconv.FormatInt(r.Bytes, 10)},
		field{"SOCKETGI_MS", ms},
		field{"SOCKETGI_QUEUE_MS", milliseconds(r.Queued)},
		field{"SOCKETGI_CPU_MS", cpu},
		memory)
	if r.Warm {
		fields = append(fields, field{"SOCKETGI_SERVICE_MS", milliseconds(r.Service)})
	}
	l.write(gateway.Notice, message, fields...)
}

func (l *Log) wants(r *gateway.Record) bool { return !l.Quiet || r.Failed() }

// Line logs a line.
func (l *Log) Line(line gateway.Line) {
	fields := about(line.About)
	if !line.Event {
		fields = append(fields, field{"MESSAGE_ID", msgProblem})
	}
	if line.Status != 0 {
		fields = append(fields, field{"SOCKETGI_STATUS", strconv.Itoa(line.Status)})
	}
	l.write(line.Priority, line.Text, fields...)
}

// about is the fields of a request, nil of none.
func about(s gateway.Subject) []field {
	if s.ID == "" {
		return nil
	}
	return []field{
		{"SOCKETGI_REQUEST_ID", s.ID},
		{"SOCKETGI_METHOD", printable(s.Method)},
		{"SOCKETGI_PATH", printable(s.Path)},
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
