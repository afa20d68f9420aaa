package worker

import "bytes"

// The delimiters of the id of a request at the beginning of a line (runtime/requestlog.py).
const (
	markBegin = 0x1e
	markEnd   = 0x1f
)

// CutMark splits a line of a warm worker into the id of its request, "" if it has none, and the text
// ([WarmConfig].Marks). An application can write any id, which affects only its own log.
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
