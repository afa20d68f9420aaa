package scgihttp

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// This file does what a service manager asks of a service besides serving.

// asService runs serve, tells the service manager when it begins and ends, and ends it
// on SIGTERM. serve is to call its argument when it accepts no more.
func (s *Server) asService(serve func(stopping func()) error) error {
	over := make(chan struct{})
	defer close(over)
	s.endOnSIGTERM(over)
	s.feedWatchdog(over)
	s.notify(daemon.SdNotifyReady)
	return serve(func() { s.notify(daemon.SdNotifyStopping) })
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

// feedWatchdog does what WatchdogSec= asks for, twice as often (sd_watchdog_enabled(3)).
func (s *Server) feedWatchdog(over <-chan struct{}) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		s.logf("scgihttp: the watchdog: %v", err)
	}
	if interval <= 0 {
		return
	}
	go func() {
		tick := time.NewTicker(interval / 2)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.notify(daemon.SdNotifyWatchdog)
			case <-over:
				return
			}
		}
	}()
}

// notify tells the service manager, if there is one that wants to hear (Type=notify).
func (s *Server) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.logf("scgihttp: %s: %v", state, err)
	}
}
