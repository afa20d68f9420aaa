package terminal

import (
	"bytes"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pieces passes what is written on, a piece for each write.
type pieces chan string

func (p pieces) Write(b []byte) (int, error) {
	p <- string(b)
	return len(b), nil
}

func TestCount(t *testing.T) {
	t.Parallel()
	ticks, out := make(chan time.Time), make(pieces, 10)
	done := count(out, "loading app", ticks)
	ticks <- time.Time{}
	assert.Equal(t, "loading app ... 1 s", <-out)
	ticks <- time.Time{}
	assert.Equal(t, "\r                   \rloading app ... 2 s", <-out)
	done()
	done()
	assert.Equal(t, "\r                   \r", <-out)

	done = count(out, "short", ticks)
	done()
	assert.Empty(t, <-out, "nothing is seen of what takes no second")
}

// TestProgressElsewhere: only a terminal is written to.
func TestProgressElsewhere(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	require.NoError(t, err)
	Progress(w, "loading")()
	w.Close()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Empty(t, got)
	var b bytes.Buffer
	Progress(&b, "loading")()
	assert.Empty(t, b.String())
}
