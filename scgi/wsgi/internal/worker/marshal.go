package worker

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/socketgi/socketgi/scgi"
)

// Types of Python's marshal format: those that every version since 3.4 reads alike
// (Python/marshal.c), and PyPy, too.
const (
	marshalTuple      = ')' // of up to 255
	marshalDict       = '{'
	marshalEnd        = '0' // of a dict
	marshalASCII      = 'a'
	marshalShortASCII = 'z' // of up to 255
	marshalInterned   = 'Z' // the same, kept for comparing with what the program says
	marshalUnicode    = 'u'
	marshalBytes      = 's'
	marshalInt        = 'i'
	marshalNone       = 'N'
)

// Job is a request for a worker.
type Job struct {
	Number uint32        // by which [Door.TakeBack] tells it, and a worker that it is done; 0 is none
	Params []scgi.Header // its variables ([scgi.Request.Params])
	Body   scgi.Body     // its body, whose file goes beside the message
	ID     string        // by which the log knows it
	// Patience is how long the web server may read nothing of the response; 0: for ever.
	Patience time.Duration
}

// AppendJob appends the message that hands a job over (runtime/job.py) to msg: what Python
// makes objects of without a line of Python.
func AppendJob(msg []byte, job *Job) []byte {
	msg = append(msg, marshalTuple, 5, marshalInt)
	msg = binary.LittleEndian.AppendUint32(msg, job.Number)
	msg = append(msg, marshalDict)
	for i := range job.Params {
		msg = appendText(msg, job.Params[i].Name, marshalInterned)
		msg = appendText(msg, job.Params[i].Value, marshalShortASCII)
	}
	msg = append(msg, marshalEnd, marshalBytes)
	msg = binary.LittleEndian.AppendUint32(msg, uint32(len(job.Body.Data)))
	msg = append(msg, job.Body.Data...)
	msg = append(msg, marshalBytes)
	msg = binary.LittleEndian.AppendUint32(msg, uint32(len(job.ID)))
	msg = append(msg, job.ID...)
	msg = append(msg, marshalInt)
	return binary.LittleEndian.AppendUint32(msg, uint32(patience(job.Patience)))
}

// patience is what the runtime counts in: milliseconds, -1: for ever.
func patience(d time.Duration) int32 {
	if d <= 0 {
		return -1
	}
	return int32(min(max(d.Milliseconds(), 1), math.MaxInt32))
}

// jobInFile is the message for a job that is in a file: its number, and nothing else.
func jobInFile(msg []byte) []byte {
	return append(append([]byte{}, msg[:jobHead]...), marshalNone, marshalNone, marshalNone, marshalNone)
}

// jobNumber is the number of a job, of which the first bytes are known.
func jobNumber(msg []byte) uint32 { return binary.LittleEndian.Uint32(msg[3:]) }

// jobHead is how many bytes those are.
const jobHead = 7

// appendText appends a str. WSGI strings are bytes in latin-1 (PEP 3333, Unicode Issues).
func appendText(msg []byte, s string, short byte) []byte {
	beyond := 0
	for i := range len(s) {
		beyond += int(s[i] >> 7)
	}
	switch {
	case beyond > 0:
		msg = append(msg, marshalUnicode)
		msg = binary.LittleEndian.AppendUint32(msg, uint32(len(s)+beyond))
		for i := range len(s) {
			if c := s[i]; c < 0x80 {
				msg = append(msg, c)
			} else {
				msg = append(msg, 0xc0|c>>6, 0x80|c&0x3f) // in UTF-8
			}
		}
		return msg
	case len(s) < 256:
		msg = append(msg, short, byte(len(s)))
	default:
		msg = append(msg, marshalASCII)
		msg = binary.LittleEndian.AppendUint32(msg, uint32(len(s)))
	}
	return append(msg, s...)
}
