package worker

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/socketgi/socketgi/scgi"
)

// Types of Python's marshal format that every version since 3.4, and PyPy, reads in the same way
// (Python/marshal.c).
const (
	marshalTuple      = ')' // up to 255 items
	marshalDict       = '{'
	marshalEnd        = '0' // of a dict
	marshalASCII      = 'a'
	marshalShortASCII = 'z' // up to 255 characters
	marshalInterned   = 'Z' // the same, interned: comparing it with a literal is faster
	marshalUnicode    = 'u'
	marshalBytes      = 's'
	marshalInt        = 'i'
	marshalNone       = 'N'
)

// Job is a request for a worker.
type Job struct {
	Number uint32        // identifies it in [Door.TakeBack] and [Report]; not 0 for a [Warm]
	Params []scgi.Header // its variables ([scgi.Request.Params])
	Body   scgi.Body     // its body; a file is sent beside the message
	ID     string        // its id in the log
	// Patience is that of [WarmConfig].
	Patience time.Duration
}

// AppendJob appends the message of a job (runtime/job.py) to msg. It is in the marshal format, which
// Python decodes in C.
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

// patience converts a [WarmConfig].Patience to the runtime's milliseconds; -1: no limit.
func patience(d time.Duration) int32 {
	if d <= 0 {
		return -1
	}
	return int32(min(max(d.Milliseconds(), 1), math.MaxInt32))
}

// jobInFile returns the message of a job that is in a file: its number, and nothing else.
func jobInFile(msg []byte) []byte {
	return append(append([]byte{}, msg[:jobHead]...), marshalNone, marshalNone, marshalNone, marshalNone)
}

// jobNumber returns the number of a job from the first jobHead bytes of its message.
func jobNumber(msg []byte) uint32 { return binary.LittleEndian.Uint32(msg[3:]) }

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
