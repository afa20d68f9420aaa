package journal

import "bytes"

// lines splits the standard error of a process into lines. The field line is required.
type lines struct {
	// line is called for each line, without its line break.
	line func(line []byte)
	// most limits the bytes that are passed on, plus lineCost for each line. Default 1 MiB.
	most int64
	// left counts the dropped bytes.
	left int64

	taken   int64
	partial []byte
}

// lineCost is the approximate size of a journal entry without its text.
const lineCost = 200

const (
	// maxLine is the longest line; a longer one is passed on in pieces. It is less
	// than what journald takes for one (LineMax= in journald.conf(5), 48K).
	maxLine      = 8 << 10
	defaultBytes = 1 << 20
)

// Write never fails.
func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.partial = append(l.partial, p...)
			for len(l.partial) >= maxLine {
				l.pass(l.partial[:maxLine])
				l.partial = append(l.partial[:0], l.partial[maxLine:]...)
			}
			break
		}
		line := p[:i]
		if len(l.partial) > 0 {
			line = append(l.partial, line...)
			l.partial = l.partial[:0]
		}
		for len(line) > maxLine {
			l.pass(line[:maxLine])
			line = line[maxLine:]
		}
		l.pass(line)
		p = p[i+1:]
	}
	return n, nil
}

// end passes on the rest after the last line break.
func (l *lines) end() {
	if len(l.partial) > 0 {
		l.pass(l.partial)
		l.partial = nil
	}
}

func (l *lines) pass(line []byte) {
	if line = bytes.TrimSuffix(line, []byte("\r")); len(line) == 0 {
		return
	}
	most := l.most
	if most == 0 {
		most = defaultBytes
	}
	if l.left > 0 || l.taken+int64(len(line))+lineCost > most {
		l.left += int64(len(line)) + 1
		return
	}
	l.taken += int64(len(line)) + 1 + lineCost
	l.line(line)
}
