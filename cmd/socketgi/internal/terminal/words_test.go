package terminal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 ms", 0: "0 ms", 999 * time.Millisecond: "999 ms", time.Second: "1 s", 59 * time.Second: "59 s",
		60 * time.Second: "1 min", 61 * time.Second: "1 min 1 s", time.Hour + time.Second: "1 h", 90 * time.Minute: "1 h 30 min",
		50 * time.Hour: "2 d 2 h",
	} {
		assert.Equal(t, want, Span(d), "%v", d)
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1.0K", 1536: "1.5K", 20 << 20: "20.0M", 1 << 60: "1024.0P"} {
		assert.Equal(t, want, Size(n))
	}
}

func TestColor(t *testing.T) {
	assert.Equal(t, "x", Painter(false).Paint(Red, "x"))
	assert.Equal(t, "\x1b[1;31mx\x1b[0m", Painter(true).Paint(Red, "x"))
	assert.Equal(t, "x", Painter(true).Paint("", "x"))
}
