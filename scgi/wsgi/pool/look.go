package pool

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// This file supervises workers that serve requests without the keeper. While requests arrive, it
// reads their boards four times a second. Otherwise it sleeps until a worker reports that it has
// begun a request, or until a connection waits.

// looks is the part of a keeper that supervises.
type looks struct {
	lookAt       time.Time // the next look; zero: at the next request
	quiet        int       // consecutive looks without a request
	watching     bool      // a goroutine waits for a connection
	stopWatching int       // an eventfd that ends that goroutine
	waited       bool      // at the last look, a connection was waiting in a listener
}

const (
	// lookInterval is the time between two looks, unless IdleExit is shorter.
	lookInterval = 250 * time.Millisecond
	// backlog is the number of connections that can wait in a listener: the default of
	// net.core.somaxconn, which limits systemd's Backlog= (systemd.socket(5)).
	backlog = 4096
)

// inspect looks at all workers once.
func (k *keeper) inspect() {
	k.statusDue = true
	begun, busy := 0, 0
	for _, m := range k.members {
		s := m.State()
		begun += k.progress(m, s)
		k.noticeBlocked(m)
		if s.Busy() || s.Taking {
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
	if k.quiet > 1 { // since the last look, workers report the requests that they begin
		k.lookAt = time.Time{}
	}
}

func (k *keeper) interval() time.Duration {
	if k.cfg.IdleExit > 0 {
		return min(lookInterval, max(k.cfg.IdleExit, time.Millisecond))
	}
	return lookInterval
}

// enough is the number of requests that workers must begin between two looks to empty a full
// listener within QueueTimeout. At that rate acceptAll isn't needed.
func (k *keeper) enough() int {
	return int(backlog * float64(k.interval()) / float64(max(k.cfg.Gateway.QueueTimeout, time.Millisecond)))
}

// lookSoon resumes the looks after a quiet time.
func (k *keeper) lookSoon() {
	k.quiet = 0
	if k.watching && len(k.members) > 0 { // else each connection would wake watchListeners
		_, _ = unix.Write(k.stopWatching, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	if k.lookAt.IsZero() {
		k.lookAt = k.now.Add(k.interval())
	}
}

// acceptSoon makes this process accept a connection that no worker accepts: the kernel wakes one worker for
// it, and only once.
func (k *keeper) acceptSoon() { k.waited, k.lookAt = true, k.now }

// progress updates a member from its worker's state, and returns the number of requests begun since
// the last call.
func (k *keeper) progress(m *member, s worker.State) (begun int) {
	done := s.Begun - int64(len(s.Requests))
	if done > m.done {
		k.served += int(done - m.done)
		m.done = done
		k.early = 0
		k.works() // a worker has served a request, so new workers can
	}
	begun = int(s.Begun - m.state.Begun)
	m.state = s
	return begun
}

// record records the requests that workers have served.
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
		k.problem(gateway.Warning, strconv.Itoa(leftOut)+" request records were dropped: this process was too slow to read them")
	}
}

// recordOf returns the record of a request of the fast lane.
func (k *keeper) recordOf(s worker.Served) gateway.Record {
	r := gateway.Request{Subject: subject(s), Service: s.Took}
	return r.WarmRecord(s.Result, s.Took)
}

func subject(s worker.Served) gateway.Subject {
	return gateway.Subject{ID: s.ID, Method: s.Method, Path: s.Path}
}

// connectionWaits returns whether a connection waits in a listener.
func (k *keeper) connectionWaits() bool {
	var fds []unix.PollFd
	for _, l := range k.listeners {
		fds = append(fds, unix.PollFd{Fd: int32(l.FD), Events: unix.POLLIN})
	}
	n, err := poll.Now(fds)
	return n > 0 || err != nil
}

// watchListeners resumes the looks when a connection waits in a listener: there is no worker, or none accepts
// the connection.
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

// acceptAll accepts the waiting connections, up to the limit.
func (k *keeper) acceptAll() {
	for _, l := range k.listeners {
		_ = unix.SetNonblock(l.FD, true) // the application shares the file description, and may have changed its mode
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

// atRequest returns the start of a worker's oldest request, without open WebSockets, which have no timeout.
// limited is false if no timeout applies.
func (k *keeper) atRequest(m *member) (since time.Time, limited bool) {
	for _, r := range m.state.Requests {
		if r.Status != 101 && (since.IsZero() || r.Started.Before(since)) {
			since = r.Started
		}
	}
	if since.IsZero() {
		return since, false
	}
	if m.state.Many {
		since = since.Add(blockedGrace)
	}
	return since, k.cfg.Timeout > 0
}

const (
	// blockedTime is the time without a turn of its event loop after which a worker is reported, and
	// blockedGrace the time that it has for ending a request at the timeout by itself.
	blockedTime  = time.Second
	blockedGrace = 5 * time.Second
)

// noticeBlocked logs that a worker's event loop is blocked, so that all of its requests wait, and makes
// the worker log its traceback.
func (k *keeper) noticeBlocked(m *member) {
	blocked := m.state.Many && k.cfg.MaxRequests != 1 && m.state.Busy() && k.now.Sub(m.state.Turn) > blockedTime
	if blocked && !m.blocked {
		var list []string
		for _, r := range m.state.Requests[:min(len(m.state.Requests), 3)] {
			s := m.Named(r)
			list = append(list, s.Method+" "+s.Path)
		}
		k.problem(gateway.Warning, "the event loop of worker "+strconv.Itoa(m.Pid())+" is blocked, and its "+strconv.Itoa(len(m.state.Requests))+
			" requests wait ("+strings.Join(list, ", ")+"); its traceback follows")
		m.Where()
	}
	m.blocked = blocked
}

// overdue kills a worker whose request exceeds the timeout.
func (k *keeper) overdue(m *member) {
	k.progress(m, m.State())
	if since, limited := k.atRequest(m); !limited || k.now.Before(since.Add(k.cfg.Timeout)) {
		return
	}
	m.takeOver()
	k.kill(m, &outcome.Problem{Kind: outcome.Timeout, Text: "no end of the response after " + outcome.FormatDuration(k.cfg.Timeout)})
}

// isMember returns whether a worker has not ended yet.
func (k *keeper) isMember(m *member) bool { return slices.Contains(k.members, m) }
