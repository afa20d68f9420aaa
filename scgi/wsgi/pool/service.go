package pool

import (
	"strconv"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// This file is what a keeper and its service manager exchange (sd_notify(3)).

// statusInterval is how often the service manager is told how things are, at most.
const statusInterval = time.Second

// tell tells the service manager what it wants to know now.
func (k *keeper) tell() {
	if k.statusDue && k.ready && k.now.Sub(k.statusAt) >= statusInterval {
		k.statusDue = false
		k.statusAt = k.now
		if s := k.status(); s != k.statusSent {
			k.statusSent = s
			k.notes.send(activation.Status(s))
		}
	}
	if k.watchdog > 0 && k.now.Sub(k.fed) >= k.watchdog {
		k.fed = k.now
		k.notes.send(activation.Watchdog)
	}
}

// status is how the pool is, in a line.
func (k *keeper) status() string {
	busy, idle := 0, 0
	for _, m := range k.members {
		state := m.State()
		k.progress(m, state)
		switch {
		case state.Busy || state.Taking:
			busy++
		case m.counts:
			idle++
		}
	}
	s := strconv.Itoa(busy) + " busy, " + strconv.Itoa(idle) + " idle, " + strconv.Itoa(k.served) + " served"
	n := len(k.queue) + len(k.given)
	for _, m := range k.members {
		if k.jobOf(m) != nil {
			n--
		}
	}
	if n > 0 {
		s += ", " + strconv.Itoa(n) + " waiting"
	}
	if k.trouble != nil {
		s += "; the last worker could not be started: " + lastLine(k.trouble.Text)
	}
	return s
}

// isReady tells the service manager, once, that requests are answered: by a worker, or with
// why there is none.
func (k *keeper) isReady() {
	if !k.ready {
		k.ready = true
		k.asked, k.lookAt = k.now, k.now
		k.notes.send(activation.Ready)
	}
}

// notes are sent to the service manager in their order, by a goroutine of its own: one that is
// busy reads none for a while, and holds no request up.
type notes chan string

func newNotes() notes {
	n := make(notes, 64)
	go func() {
		for state := range n {
			_ = activation.Notify(state)
		}
	}()
	return n
}

// send leaves a note out where too many wait; the manager has long given up on this service
// then.
func (n notes) send(state string) {
	select {
	case n <- state:
	default:
	}
}

// stopping is how far a keeper has come with its end.
type stopping struct {
	step int
	next time.Time // when the step is over, whatever is left
}

// The steps of an end.
const (
	finishing = iota // requests go on
	ending           // workers are told to end
	killing          // and killed
	leaving          // workers without a request end
	ended
)

// stop begins the end: nothing more is accepted, and what is there goes on for a while.
// Connections that come now wait in the listener for the next process.
func (k *keeper) stop() {
	if k.stopping != nil {
		return
	}
	k.stopping = &stopping{next: k.now.Add(gateway.DrainTime)}
	k.notes.send(activation.Stopping)
	for _, m := range k.members {
		m.Quiet()
	}
}

// stopped goes on with the end, and tells when it is there.
func (k *keeper) stopped() bool {
	s := k.stopping
	late := !k.now.Before(s.next)
	step := func(next int, most time.Duration) {
		s.step, s.next = next, k.now.Add(most)
	}
	if s.step < leaving && k.open == 0 && !k.doorWaits() { // no worker is needed any more
		if len(k.members) == 0 {
			step(leaving, retireGrace+2*time.Second)
			k.replace()
		}
		for _, m := range k.members {
			if m.since.IsZero() {
				k.leave(m)
			}
		}
	}
	switch {
	case s.step == leaving && (late || k.alive == 0 && len(k.members) == 0 && k.parents == 0 && !k.loading && !k.reloading):
		step(ended, 0)
	case s.step == leaving || !late:
	case s.step == finishing:
		k.stopWorkers(syscall.SIGTERM)
		k.failQueue(&outcome.Problem{Kind: outcome.Died, Text: "the service was stopped while the request waited"})
		step(ending, gateway.KillTime)
	case s.step == ending: // so that the client of a program that ignores SIGTERM is told, too
		k.stopWorkers(syscall.SIGKILL)
		step(killing, gateway.KillTime)
	default:
		step(leaving, retireGrace+2*time.Second)
		k.replace()
	}
	return s.step == ended
}

// doorWaits tells whether a worker has passed on what is not taken yet.
func (k *keeper) doorWaits() bool {
	n, _ := poll.Now([]unix.PollFd{{Fd: int32(k.door.FD()), Events: unix.POLLIN}})
	return n > 0 && k.failure == nil
}
