package pool

import (
	"strconv"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/scgi/gateway"
	"golang.org/x/sys/unix"
)

// This file is what a keeper and its service manager exchange (sd_notify(3)).

// statusInterval is how often the service manager is told how things are, at most.
const statusInterval = time.Second

// tell tells the service manager what it wants to know now.
func (k *keeper) tell() {
	if k.statusDue && k.now.Sub(k.statusAt) >= statusInterval {
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
	busy := len(k.members) - len(k.idle)
	s := strconv.Itoa(busy) + " busy, " + strconv.Itoa(len(k.idle)) + " idle, " + strconv.Itoa(k.served) + " served"
	n := len(k.queue)
	for _, m := range k.members {
		n += max(0, len(m.jobs)-1)
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
		k.asked = k.now
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
	k.setAccepting(false)
	k.stopping = &stopping{next: time.Now().Add(gateway.DrainTime)}
	k.notes.send(activation.Stopping)
	for _, l := range k.listeners {
		unix.Close(l.FD)
	}
}

// stopped goes on with the end, and tells when it is there.
func (k *keeper) stopped() bool {
	s := k.stopping
	late := !k.now.Before(s.next)
	step := func(next int, most time.Duration) {
		s.step, s.next = next, k.now.Add(most)
	}
	switch s.step {
	case finishing, ending, killing:
		switch {
		case k.open == 0 || s.step == killing && late:
			step(leaving, retireGrace+2*time.Second)
			k.replace()
		case !late:
		case s.step == finishing:
			k.stopWorkers(syscall.SIGTERM)
			k.stopQueue()
			step(ending, gateway.KillTime)
		default: // so that the client of a program that ignores SIGTERM is told, too
			k.stopWorkers(syscall.SIGKILL)
			step(killing, gateway.KillTime)
		}
	case leaving:
		if late || k.alive == 0 && k.parents == 0 && !k.loading && !k.reloading {
			step(ended, 0)
		}
	}
	return s.step == ended
}
