package main

import "time"

// queue bounds how many applications run at once. The others wait, in the order of
// arrival.
type queue interface {
	// take waits for a place. What it returns gives the place back, and may be called
	// more than once. The error is errBusy when none became free in time.
	take(timeout time.Duration) (release func(), err error)
}

// noQueue has a place for everybody.
type noQueue struct{}

func (noQueue) take(time.Duration) (func(), error) { return func() {}, nil }

// places is the queue within one process: a place is taken by a send.
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
			return nil, errBusy
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
