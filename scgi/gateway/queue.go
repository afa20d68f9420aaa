package gateway

import (
	"errors"
	"time"
)

// ErrQueueTimeout is returned for a request that waited too long in the queue.
var ErrQueueTimeout = errors.New("no slot became free in time")

// Queue limits the requests that run at once. Others wait, in the order of arrival.
type Queue interface {
	// take waits for a slot. release frees it, and may be called more than once. The error is
	// ErrQueueTimeout if none became free in time.
	take(timeout time.Duration) (release func(), err error)
}

// Unlimited is a queue without a limit.
var Unlimited Queue = unlimited{}

type unlimited struct{}

func (unlimited) take(time.Duration) (func(), error) { return func() {}, nil }

// Places returns a queue of n slots within this process.
func Places(n int) Queue { return make(places, n) }

// places has an element for each slot in use.
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
