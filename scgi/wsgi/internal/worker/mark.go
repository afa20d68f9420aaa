package worker

import "bytes"

// Before and behind the id of a request that a line of the log begins with (runtime/requestlog.py).
const (
	markBegin = 0x1e
	markEnd   = 0x1f
)

// CutMark returns the id of the request that a warm worker has written a line for, "" for none, and
// the line without it ([WarmConfig].Marks). An application can write any: nothing but its own log
// depends on it.
func CutMark(line []byte) (id string, text []byte) {
	if len(line) == 0 || line[0] != markBegin {
		return "", line
	}
	mark, text, ok := bytes.Cut(line[1:], []byte{markEnd})
	if !ok || len(mark) > mostMark {
		return "", line
	}
	for _, c := range mark {
		if c <= ' ' || c > '~' {
			return "", line
		}
	}
	return string(mark), text
}

// mostMark is the length of the longest id (gateway.Subject).
const mostMark = 64
