package journal

import (
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/scgi/gateway"
)

// This file makes entries of records and lines: their text for people, and their fields.

// Record logs a request that has ended. With Quiet that is only one that failed.
func (l *Log) Record(r gateway.Record) {
	if !l.wants(&r) {
		return
	}
	message, fields := entry(&r)
	priority := gateway.Notice
	if r.Status >= 500 {
		priority = gateway.Error // an application's own 5xx is one, too, and no line says so
	}
	l.write(priority, message, fields...)
}

// entry returns the text of a record, and its fields.
func entry(r *gateway.Record) (message string, fields []field) {
	ms, cpu := milliseconds(r.Took), milliseconds(r.CPU)
	message = printable(r.Method) + " " + printable(r.Path) + " " + strconv.Itoa(r.Status) + " " +
		strconv.FormatInt(r.Bytes, 10) + " bytes " + ms + " ms, " + cpu + " ms CPU"
	memory := field{adapter.FieldPeakMemory, strconv.FormatInt(r.PeakMemory, 10)}
	if r.Warm {
		memory = field{adapter.FieldMemoryGrowth, strconv.FormatInt(r.Growth, 10)}
		message += ", +" + strconv.FormatInt(r.Growth>>10, 10) + " KiB"
	} else {
		message += ", " + strconv.FormatInt(r.PeakMemory>>20, 10) + " MiB"
	}
	fields = append(about(r.Subject),
		field{"MESSAGE_ID", adapter.RequestMessage},
		field{adapter.FieldStatus, strconv.Itoa(r.Status)},
		field{adapter.FieldBytes, strconv.FormatInt(r.Bytes, 10)},
		field{adapter.FieldMS, ms},
		field{adapter.FieldQueueMS, milliseconds(r.Queued)},
		field{adapter.FieldCPUMS, cpu},
		memory)
	if r.Warm {
		fields = append(fields, field{adapter.FieldServiceMS, milliseconds(r.Service)})
	}
	if r.Cut {
		message += ", cut"
		fields = append(fields, field{adapter.FieldCut, "1"})
	}
	if r.ExitStatus > 0 {
		message += ", exit status " + strconv.Itoa(r.ExitStatus)
		fields = append(fields, field{adapter.FieldExitStatus, strconv.Itoa(r.ExitStatus)})
	}
	return message, fields
}

func (l *Log) wants(r *gateway.Record) bool { return !l.Quiet || r.Failed() }

// Line logs a line.
func (l *Log) Line(line gateway.Line) {
	fields := about(line.About)
	if !line.Event {
		fields = append(fields, field{"MESSAGE_ID", adapter.ProblemMessage})
	}
	if line.Status != 0 {
		fields = append(fields, field{adapter.FieldStatus, strconv.Itoa(line.Status)})
	}
	l.write(line.Priority, line.Text, fields...)
}

// about is the fields of a request, nil of none.
func about(s gateway.Subject) []field {
	if s.ID == "" {
		return nil
	}
	fields := []field{
		{adapter.FieldRequestID, s.ID},
		{adapter.FieldMethod, printable(s.Method)},
		{adapter.FieldPath, printable(s.Path)},
	}
	if s.Probe != "" {
		fields = append(fields, field{adapter.FieldProbe, s.Probe})
	}
	return fields
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
