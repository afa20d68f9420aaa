package gateway

import (
	"errors"
	"time"
)

// ErrQueueTimeout is what a request gets that waited too long for its place.
var ErrQueueTimeout = errors.New("no slot became free in time")

// Queue bounds how many applications run at once. The others wait, in the order of
// arrival.
type Queue interface {
	// take waits for a place. What it returns gives the place back, and may be called
	// more than once. The error is ErrQueueTimeout when none became free in time.
	take(timeout time.Duration) (release func(), err error)
}

// Unlimited is a queue with a place for everybody.
var Unlimited Queue = unlimited{}

type unlimited struct{}

func (unlimited) take(time.Duration) (func(), error) { return func() {}, nil }

// Places returns the queue of n places within this process.
func Places(n int) Queue { return make(places, n) }

// places has a place taken by a send.
type places chan struct{}

func (p places) take(timeout time.Duration) (func(), error) {
	select {
	case p <- struct{}{}:
	default:
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		select { // the runtime wakes senders in the order in which they came
		case p <- struct{}{}:
		case <-timer.C:
			return nil, ErrQueueTimeout
		}
	}
	taken := true
	return func() {
		if taken {
			taken = false
			<-p
		}
	}, nil
}
