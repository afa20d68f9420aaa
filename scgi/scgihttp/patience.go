package scgihttp

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// This file limits the time that a response waits for the web server to read.

// sendWaits is the number of waits of a send until SendTimeout. There are several because a deadline also ends
// a write that makes progress, and only then reports the number of bytes.
const sendWaits = 10

// errStuck is the error of a response that exceeds SendTimeout.
var errStuck = errors.New("the web server has read nothing of the response")

// patience has the limits of the sends of a response.
type patience struct {
	// most is the time without progress; 0: no limit.
	most time.Duration
	// until is the deadline of the response in Unix nanoseconds, 0: none. A handler can set it
	// while another of its goroutines writes.
	until atomic.Int64
	waits int // without progress
}

// setWriteDeadline sets the deadline of the complete response.
func (w *wire) setWriteDeadline(t time.Time) {
	if t.IsZero() {
		w.until.Store(0)
	} else {
		w.until.Store(t.UnixNano())
	}
	w.bound()
}

// bound sets the deadline of one wait on the connection.
func (w *wire) bound() {
	var t time.Time
	if w.most > 0 {
		t = time.Now().Add(w.most / sendWaits)
	}
	if until := w.until.Load(); until != 0 && (t.IsZero() || until < t.UnixNano()) {
		t = time.Unix(0, until)
	}
	_ = w.conn.SetWriteDeadline(t) // fails only if the connection is closed
}

// again reports whether to continue a send that ended with err after n bytes; if not, it returns the error
// of the response.
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

// write sends and consumes bufs.
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
	n, err := w.conn.Write(w.bufs[0]) // faster than writev(2)
	w.bufs[0] = w.bufs[0][n:]
	return int64(n), err
}
