package scgihttp

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/socketgi/socketgi/activation"
)

// This file implements the protocol between a service and its manager: notifications and SIGTERM.

// asService runs serve, sends READY=1 and STOPPING=1, and stops the server on SIGTERM. serve must call its
// argument when it stops accepting.
func (s *Server) asService(serve func(stopping func()) error) error {
	over := make(chan struct{})
	defer close(over)
	s.endOnSIGTERM(over)
	activation.FeedWatchdog(over, func(err error) { s.logf("scgihttp: the watchdog: %v", err) })
	s.notify(activation.Ready)
	return serve(func() { s.notify(activation.Stopping) })
}

// endOnSIGTERM stops the server on the first SIGTERM. The second one has its default effect.
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

// notify notifies the service manager, if the unit has Type=notify.
func (s *Server) notify(state string) {
	if err := activation.Notify(state); err != nil {
		s.logf("scgihttp: %s: %v", state, err)
	}
}
