package pool

import (
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// This file has the notifications to the service manager (sd_notify(3)), and the stop.

// statusInterval is the minimum time between two STATUS= notifications.
const statusInterval = time.Second

// tell sends the notifications that are due.
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

// status returns the pool's state in one line.
func (k *keeper) status() string {
	busy, idle := 0, 0
	for _, m := range k.members {
		state := m.State()
		k.progress(m, state)
		switch {
		case state.Busy() || state.Taking:
			busy++
		case m.counts:
			idle++
		}
	}
	s := strconv.Itoa(busy) + " busy, " + strconv.Itoa(idle) + " idle, " + strconv.Itoa(k.served) + " served"
	n := len(k.queue) + len(k.given)
	for _, m := range k.members {
		n -= len(slices.DeleteFunc(slices.Clone(m.state.Requests), func(r worker.Current) bool { return r.Job == 0 }))
	}
	if n > 0 {
		s += ", " + strconv.Itoa(n) + " waiting"
	}
	if k.trouble != nil {
		s += "; the last worker failed to start: " + lastLine(k.trouble.Text)
	}
	return s
}

// isReady sends READY=1, once: from now on requests are answered, by a worker or with the reason why
// there is none.
func (k *keeper) isReady() {
	if !k.ready {
		k.ready = true
		k.asked, k.lookAt = k.now, k.now
		k.notes.send(activation.Ready)
	}
}

// notes sends notifications in order, in a goroutine of its own, so that a busy service manager
// delays no request.
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

// send queues a notification. It drops it if the queue is full: the service manager has read none
// for a long time.
func (n notes) send(state string) {
	select {
	case n <- state:
	default:
	}
}

// stopping is the progress of a stop.
type stopping struct {
	step int
	next time.Time // when the step ends at the latest
}

// The steps of a stop.
const (
	finishing = iota // requests are completed
	ending           // workers with a request got SIGTERM
	killing          // and SIGKILL
	leaving          // workers without a request end
	ended
)

// stop begins a stop. Requests that were accepted have gateway.DrainTime to complete; further
// connections wait in the listeners for the next process.
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

// stopped advances a stop, and returns whether it is complete.
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
			k.leave(m)
		}
	}
	switch {
	case s.step == leaving && (late || k.alive == 0 && len(k.members) == 0 && k.parents == 0 && !k.loading && !k.reloading):
		step(ended, 0)
	case s.step == leaving || !late:
	case s.step == finishing:
		k.stopWorkers(syscall.SIGTERM)
		k.failQueue(&outcome.Problem{Kind: outcome.Died, Text: "the service was stopped while the request was queued"})
		step(ending, gateway.KillTime)
	case s.step == ending: // for applications that ignore SIGTERM: their clients get a response, too
		k.stopWorkers(syscall.SIGKILL)
		step(killing, gateway.KillTime)
	default:
		step(leaving, retireGrace+2*time.Second)
		k.replace()
	}
	return s.step == ended
}

// doorWaits returns whether a connection waits in the door.
func (k *keeper) doorWaits() bool {
	n, _ := poll.Now([]unix.PollFd{{Fd: int32(k.door.FD()), Events: unix.POLLIN}})
	return n > 0 && k.failure == nil
}
