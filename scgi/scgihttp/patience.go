package scgihttp

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// This file bounds how long a response waits for the web server to read.

// sendWaits is how often a send waits before a response is given up: a deadline ends a write
// also when it makes progress, and tells only then how much.
const sendWaits = 10

// errStuck says that a response is given up.
var errStuck = errors.New("the web server has read nothing of the response")

// patience is how long the sends of a response may take.
type patience struct {
	// most is how long there may be no progress; 0: for ever.
	most time.Duration
	// until is the deadline of the response in Unix nanoseconds, 0: none. A handler may set it
	// while another goroutine of it writes.
	until atomic.Int64
	waits int // without progress
}

// setWriteDeadline bounds the writing of all of the response.
func (w *wire) setWriteDeadline(t time.Time) {
	if t.IsZero() {
		w.until.Store(0)
	} else {
		w.until.Store(t.UnixNano())
	}
	w.bound()
}

// bound gives the connection the deadline of one wait.
func (w *wire) bound() {
	var t time.Time
	if w.most > 0 {
		t = time.Now().Add(w.most / sendWaits)
	}
	if until := w.until.Load(); until != 0 && (t.IsZero() || until < t.UnixNano()) {
		t = time.Unix(0, until)
	}
	_ = w.conn.SetWriteDeadline(t) // it fails only where the connection is closed
}

// again tells whether a send that ended with err after n bytes is to go on. Otherwise the
// error says why not.
func (w *wire) again(n int64, err error) (bool, error) {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false, err
	}
	if until := w.until.Load(); until != 0 && time.Now().UnixNano() >= until {
		return false, err
	}
	if w.waits++; n > 0 {
		w.waits = 0
	}
	if w.most > 0 && w.waits >= sendWaits {
		return false, fmt.Errorf("%w for %v: %w", errStuck, w.most, err)
	}
	w.bound()
	return true, nil
}

// write sends bufs, and uses it up.
func (w *wire) write() error {
	w.bound()
	for w.waits = 0; ; {
		n, err := w.writeSome()
		if err == nil {
			return nil
		}
		if again, err := w.again(n, err); !again {
			return err
		}
	}
}

func (w *wire) writeSome() (int64, error) {
	if len(w.bufs) != 1 {
		return w.bufs.WriteTo(w.conn)
	}
	n, err := w.conn.Write(w.bufs[0]) // without the detour of writev(2)
	w.bufs[0] = w.bufs[0][n:]
	return int64(n), err
}
