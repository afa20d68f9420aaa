package pool

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// This file is how a keeper looks after workers that serve without it: four times a second while
// there are requests it reads what they are doing and have done, and otherwise it sleeps until one
// says that it has begun a request, or a connection waits.

// looks is the part of a keeper that does.
type looks struct {
	lookAt       time.Time // the next look, zero: when there is a request
	quiet        int       // looks in a row that have seen nothing
	watching     bool      // a goroutine waits for a connection
	stopWatching int       // an eventfd that ends it
	waited       bool      // at the last look there was a connection that nobody had accepted
}

const (
	// lookInterval is the time between two looks, or less for a shorter IdleExit.
	lookInterval = 250 * time.Millisecond
	// backlog is how many connections wait in a listener at most: the usual net.core.somaxconn,
	// to which systemd sets Backlog= (systemd.socket(5)).
	backlog = 4096
)

// inspect sees what the workers are doing.
func (k *keeper) inspect() {
	k.statusDue = true
	begun, busy := 0, 0
	for _, m := range k.members {
		s := m.State()
		begun += k.progress(m, s)
		if s.Busy || s.Taking {
			busy++
		}
	}
	k.record(k.members...)
	waits := k.connectionWaits()
	if begun > 0 || busy > 0 || waits || k.open > 0 {
		k.asked, k.quiet = k.now, 0
	} else {
		k.quiet++
	}
	if waits && k.ready && k.stopping == nil && (len(k.members) == 0 || k.waited && begun < k.enough()) {
		k.acceptAll()
	}
	k.waited = waits
	k.lookAt = k.now.Add(k.interval())
	if k.quiet > 0 {
		for _, m := range k.members {
			m.Sleep()
		}
	}
	if k.quiet > 0 || len(k.members) == 0 && !k.connectionWaits() {
		k.watchListeners()
	}
	if k.quiet > 1 { // the workers have known since the last look that they are to tell
		k.lookAt = time.Time{}
	}
}

func (k *keeper) interval() time.Duration {
	if k.cfg.IdleExit > 0 {
		return min(lookInterval, max(k.cfg.IdleExit, time.Millisecond))
	}
	return lookInterval
}

// enough is how many requests workers have to begin between two looks for the last connection in a
// full listener to be accepted before its QueueTimeout: then it need not be accepted here.
func (k *keeper) enough() int {
	return int(backlog * float64(k.interval()) / float64(max(k.cfg.Gateway.QueueTimeout, time.Millisecond)))
}

// lookSoon looks within the usual time, also where nothing was to be seen.
func (k *keeper) lookSoon() {
	k.quiet = 0
	if k.watching && len(k.members) > 0 { // it would be woken for each connection from now on
		_, _ = unix.Write(k.stopWatching, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	if k.lookAt.IsZero() {
		k.lookAt = k.now.Add(k.interval())
	}
}

// acceptSoon has a connection accepted here that no worker accepts: the kernel wakes one of them for it, once.
func (k *keeper) acceptSoon() { k.waited, k.lookAt = true, k.now }

// progress takes in what a worker is doing, and returns how many requests it has begun since the
// last time.
func (k *keeper) progress(m *member, s worker.State) (begun int) {
	done := s.Begun
	if s.Busy {
		done--
	}
	if done > m.done {
		k.served += int(done - m.done)
		m.done = done
		k.early = 0
		k.works() // so new ones are of use
	}
	begun = int(s.Begun - m.state.Begun)
	m.state = s
	return begun
}

// record has the requests recorded that workers have served.
func (k *keeper) record(members ...*member) {
	var list []worker.Served
	leftOut := 0
	for _, m := range members {
		some, n := m.Served()
		list, leftOut = append(list, some...), leftOut+n
	}
	slices.SortStableFunc(list, func(a, b worker.Served) int { return cmp.Compare(a.Begun, b.Begun) })
	for _, s := range list {
		k.cfg.Records.Record(k.recordOf(s))
	}
	if leftOut > 0 {
		k.problem(gateway.Warning, strconv.Itoa(leftOut)+" records of requests are left out: this process was too slow")
	}
}

// recordOf is the record of a request that a worker has accepted.
func (k *keeper) recordOf(s worker.Served) gateway.Record {
	r := gateway.Request{Subject: subject(s), Service: s.Took}
	return r.WarmRecord(s.Result, s.Took)
}

func subject(s worker.Served) gateway.Subject {
	return gateway.Subject{ID: s.ID, Method: s.Method, Path: s.Path}
}

// connectionWaits tells whether there is a connection that nobody has accepted.
func (k *keeper) connectionWaits() bool {
	var fds []unix.PollFd
	for _, l := range k.listeners {
		fds = append(fds, unix.PollFd{Fd: int32(l.FD), Events: unix.POLLIN})
	}
	n, err := poll.Now(fds)
	return n > 0 || err != nil
}

// watchListeners looks when there is a connection that nobody accepts: there is no worker, or none
// that does anything.
func (k *keeper) watchListeners() {
	if k.watching || !k.ready || k.stopping != nil {
		return
	}
	k.watching = true
	fds := []int{k.stopWatching}
	for _, l := range k.listeners {
		fds = append(fds, l.FD)
	}
	k.whenever(func() bool {
		k.watching = false
		var b [8]byte
		_, _ = unix.Read(k.stopWatching, b[:])
		if k.connectionWaits() {
			k.lookSoon()
			if len(k.members) == 0 {
				k.lookAt = k.now
			}
		}
		return false
	}, fds...)
}

// acceptAll accepts the connections that wait, as many as can be held.
func (k *keeper) acceptAll() {
	for _, l := range k.listeners {
		_ = unix.SetNonblock(l.FD, true) // the application has it, too, and may have changed that
		for k.open < k.most {
			fd, _, err := unix.Accept4(l.FD, unix.SOCK_CLOEXEC)
			if err == unix.EINTR || err == unix.ECONNABORTED {
				continue
			}
			if err != nil && err != unix.EAGAIN && k.open == 0 {
				k.exhausted(os.NewSyscallError("accept", err))
			}
			if err != nil {
				break
			}
			k.arrive(fd)
		}
	}
}

// overdue ends a worker whose request takes too long.
func (k *keeper) overdue(m *member) {
	s := m.State()
	if k.progress(m, s); !s.Busy || k.now.Before(s.Started.Add(k.cfg.Timeout)) {
		return
	}
	m.takeOver()
	k.kill(m, &outcome.Problem{Kind: outcome.Timeout, Text: "no end of the response after " + k.cfg.Timeout.String()})
}

// isMember tells whether a worker has not ended yet.
func (k *keeper) isMember(m *member) bool { return slices.Contains(k.members, m) }
