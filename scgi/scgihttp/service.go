package scgihttp

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/socketgi/socketgi/activation"
)

// This file does what a service manager asks of a service besides serving.

// asService runs serve, tells the service manager when it begins and ends, and ends it
// on SIGTERM. serve is to call its argument when it accepts no more.
func (s *Server) asService(serve func(stopping func()) error) error {
	over := make(chan struct{})
	defer close(over)
	s.endOnSIGTERM(over)
	activation.FeedWatchdog(over, func(err error) { s.logf("scgihttp: the watchdog: %v", err) })
	s.notify(activation.Ready)
	return serve(func() { s.notify(activation.Stopping) })
}

// endOnSIGTERM leaves on the first SIGTERM. The second one does what it does by default.
func (s *Server) endOnSIGTERM(over <-chan struct{}) {
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		select {
		case <-term:
			s.leave(nil)
		case <-over:
		}
		signal.Stop(term)
	}()
}

// notify tells the service manager, if there is one that wants to hear (Type=notify).
func (s *Server) notify(state string) {
	if err := activation.Notify(state); err != nil {
		s.logf("scgihttp: %s: %v", state, err)
	}
}
