package gateway

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

// TestFailures checks each row: a client that may come again is told when (RFC 9110, 15.6.4),
// and StatusLine has words for every status.
func TestFailures(t *testing.T) {
	rows := append(failures[:], stranger, queueFull, noQueue)
	for _, err := range []error{scgi.ErrLength, scgi.ErrBodyTimeout, unix.ENOSPC, unix.ENFILE, os.ErrClosed, &PeerError{}} {
		rows = append(rows, refusal(err))
	}
	r := &Request{config: &Config{}}
	for _, f := range rows {
		page := string(r.page(f))
		assert.Equal(t, f.status == 503, strings.Contains(page, "\r\nRetry-After: 5\r\n"), page)
		assert.NotEqual(t, strconv.Itoa(f.status)+" Error", scgi.StatusLine(f.status))
		assert.True(t, strings.HasSuffix(f.text, "."), f.text)
		assert.Contains(t, []Priority{Error, Warning}, f.priority)
	}
	assert.Equal(t, failures[outcome.Died], failureOf(nil), "a process that gave no reason")
	assert.Equal(t, stranger, refusal(&PeerError{Reason: NetworkPeer}))
}
