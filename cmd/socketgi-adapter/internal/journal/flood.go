package journal

import (
	"math"
	"os"
	"sync/atomic"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
)

// What an application writes to its standard error goes to the journal as a stream, and
// records go there by another way: neither waits for the other. A warm service's unit lifts
// journald's limit, which would count both together, so there is one here for the stream.
const (
	// floodRequest and floodWarm are how much may come at once, of a request and of
	// warm workers, with lineCost for each line. The latter is what journald's own
	// limit lets through on a disk of common size: 40,000 lines.
	floodRequest = 1 << 20
	floodWarm    = 8 << 20
	// floodRate is how much more there may be each second.
	floodRate = 256 << 10
	// floodTold is the interval of messages about a flood.
	floodTold = 5 * time.Second
)

// pass copies lines from a pipe to standard error, up to the limit, and counts the others. The count is logged
// with fields, by default those of a problem, also while the flood continues. If cutMark returns the request of a
// line, the line is an entry with its id.
func (l *Log) pass(from *os.File, most int64, fields []field, cutMark func([]byte) (string, []byte)) {
	var left atomic.Int64
	shared := fields == nil
	if shared {
		fields = []field{{"MESSAGE_ID", adapter.ProblemMessage}}
	}
	tell := func() {
		if n := left.Swap(0); n > 0 {
			l.leftOut(fields, n)
		}
	}
	defer tell()
	b := bucket{level: most, most: most}
	var out []byte
	lines := lines{most: math.MaxInt64, line: func(line []byte) {
		n := int64(len(line)) + 1
		if b.take(n+lineCost, time.Now()) {
			if cutMark != nil {
				var id string
				if id, line = cutMark(line); id != "" {
					l.wait()
					l.writeLine(line, []field{{adapter.FieldRequestID, id}})
					return
				}
			}
			out = append(append(out, line...), '\n')
		} else if left.Add(n) == n && shared {
			time.AfterFunc(floodTold, tell)
		}
	}}
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		_, _ = lines.Write(buf[:n])
		if err != nil {
			lines.end()
		}
		if len(out) > 0 {
			_, _ = os.Stderr.Write(out)
			out = out[:0]
		}
		if err != nil {
			return
		}
	}
}

// bucket has the number of bytes that may pass now. It fills by floodRate.
type bucket struct {
	level, most int64
	last        time.Time // when it was filled
}

// take takes n out of it, if there is so much.
func (b *bucket) take(n int64, now time.Time) bool {
	if n > b.level {
		if !b.last.IsZero() {
			b.level = min(b.most, b.level+int64(now.Sub(b.last).Seconds()*floodRate))
		}
		b.last = now
	}
	if n > b.level {
		return false
	}
	b.level -= n
	return true
}
