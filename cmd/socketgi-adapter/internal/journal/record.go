package journal

import (
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/scgi/gateway"
)

// Record logs a request that has ended; with Quiet only if it failed.
func (l *Log) Record(r gateway.Record) {
	if !l.wants(&r) {
		return
	}
	message, fields := entry(&r)
	priority := gateway.Notice
	if r.Status >= 500 {
		priority = gateway.Error // an application's own 5xx has no other entry
	}
	l.write(priority, message, fields...)
}

// entry returns the text of a record, and its fields.
func entry(r *gateway.Record) (message string, fields []field) {
	ms := milliseconds(r.Took)
	message = printable(r.Method) + " " + printable(r.Path) + " " + strconv.Itoa(r.Status) + " " +
		strconv.FormatInt(r.Bytes, 10) + " bytes " + ms + " ms"
	fields = append(about(r.Subject),
		field{"MESSAGE_ID", adapter.RequestMessage},
		field{adapter.FieldStatus, strconv.Itoa(r.Status)},
		field{adapter.FieldBytes, strconv.FormatInt(r.Bytes, 10)},
		field{adapter.FieldMS, ms},
		field{adapter.FieldQueueMS, milliseconds(r.Queued)})
	if r.CPU > 0 || !r.Warm {
		text, used := usage(r)
		message += text
		fields = append(fields, used...)
	}
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

// usage returns the resources of the request, as text and as fields.
func usage(r *gateway.Record) (text string, fields []field) {
	cpu := milliseconds(r.CPU)
	text = ", " + cpu + " ms CPU, " + strconv.FormatInt(r.PeakMemory>>20, 10) + " MiB"
	memory := field{adapter.FieldPeakMemory, strconv.FormatInt(r.PeakMemory, 10)}
	if r.Warm {
		text = ", " + cpu + " ms CPU, +" + strconv.FormatInt(r.Growth>>10, 10) + " KiB"
		memory = field{adapter.FieldMemoryGrowth, strconv.FormatInt(r.Growth, 10)}
	}
	return text, []field{{adapter.FieldCPUMS, cpu}, memory}
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

// about returns the fields of a request, nil for none.
func about(s gateway.Subject) []field {
	if s.ID == "" {
		return nil
	}
	fields := append(make([]field, 0, 16), // all that a record has
		field{adapter.FieldRequestID, s.ID},
		field{adapter.FieldMethod, printable(s.Method)},
		field{adapter.FieldPath, printable(s.Path)})
	if s.Probe != "" {
		fields = append(fields, field{adapter.FieldProbe, s.Probe})
	}
	return fields
}

// printable escapes control characters, which could end a line or control a terminal.
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
	tenths := (d + 50*time.Microsecond) / (100 * time.Microsecond)
	return strconv.FormatInt(int64(tenths/10), 10) + "." + strconv.FormatInt(int64(tenths%10), 10)
}
