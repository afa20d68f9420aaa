package main

import (
	"math"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/activation"
	"golang.org/x/sys/unix"
)

const (
	// maxConnections is how many connections are held at once, where there may be as many
	// processes as that takes; more wait in the kernel, where nothing is lost.
	maxConnections = 1024
	// tasks is how many threads and processes one connection is thought to need: a thread
	// here, and a program that has two others.
	tasks = 4
	// drainTime is how long requests may go on once the unit is being stopped. It is
	// less than the TimeoutStopSec= that the units have, so that who waits is told.
	drainTime = 8 * time.Second
	// killTime is how long they may take to end then.
	killTime = time.Second
)

// server serves listeners (Accept=no): it accepts, and each request gets a process as
// with Accept=yes.
type server struct {
	cfg   *config
	log   *logger
	app   application
	queue queue

	listeners []activation.Socket
	wake      int   // an eventfd: something that serve waits for has happened
	most      int32 // connections
	open      atomic.Int32
	done      atomic.Bool // stop accepting
	requests  sync.WaitGroup

	mu       sync.Mutex
	running  map[worker]*atomic.Bool // whether it was told to stop
	stopping syscall.Signal          // all of them were, by this one
}

// serveListeners serves until nothing was asked for --idle-exit, or SIGTERM. A
// connection that comes after that waits in the listener for the next process.
func (cfg *config) serveListeners(log *logger, app application, listeners []activation.Socket) error {
	if w, ok := app.(wsgiApplication); ok {
		return serveWarm(cfg, log, w.cfg, listeners)
	}
	// Next to a process for each request, to collect garbage sooner costs nothing that could
	// be measured, and this process stays small.
	debug.SetGCPercent(25)
	// Go opens what its timers wait with at the first of them, and crashes where that fails:
	// it must not be the one that waits because no descriptor is left.
	time.Sleep(time.Nanosecond)
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	s := &server{cfg: cfg, log: log, app: app, queue: noQueue{}, listeners: listeners, wake: wake,
		most: min(int32(cfg.backlog), mostConnections(taskLimit())), running: map[worker]*atomic.Bool{}}
	if cfg.concurrency > 0 {
		s.queue = make(places, cfg.concurrency)
	}
	for _, l := range listeners { // as systemd has made it already: accepting never waits
		_ = unix.SetNonblock(l.FD, true)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		s.done.Store(true)
		s.nudge()
	}()
	if every := watchdogTime(); every > 0 {
		go func() {
			for range time.Tick(every) {
				_ = activation.Notify("WATCHDOG=1")
			}
		}()
	}
	_ = activation.Notify(activation.Ready)
	err = s.serve()
	_ = activation.Notify(activation.Stopping)
	for _, l := range listeners {
		unix.Close(l.FD)
	}
	s.drain(drainTime)
	return err
}

// mostConnections is how many connections can be held: Go ends a process that can't have
// one more thread, and each waits in a thread of its own.
func mostConnections(limit uint64) int32 {
	return int32(max(1, min(maxConnections, limit/tasks)))
}

// taskLimit is how many threads and processes there may be: what ulimit -u says of the
// user, and TasksMax= of the unit.
func taskLimit() uint64 {
	limit := uint64(math.MaxUint64)
	var r unix.Rlimit
	if os.Geteuid() != 0 && unix.Getrlimit(unix.RLIMIT_NPROC, &r) == nil {
		limit = r.Cur
	}
	groups, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(groups)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			text, _ := os.ReadFile("/sys/fs/cgroup" + path + "/pids.max")
			if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil { // or it is "max"
				limit = min(limit, n)
			}
		}
	}
	return limit
}

// serve accepts until it is time to leave.
func (s *server) serve() error {
	fds := make([]unix.PollFd, 0, len(s.listeners)+1)
	for lastRequest := time.Now(); ; {
		if s.done.Load() {
			return nil
		}
		full := s.open.Load() >= s.most
		fds = append(fds[:0], unix.PollFd{Fd: int32(s.wake), Events: unix.POLLIN})
		for _, l := range s.listeners {
			if !full {
				fds = append(fds, unix.PollFd{Fd: int32(l.FD), Events: unix.POLLIN})
			}
		}
		timeout, leave := -1, false
		if s.open.Load() > 0 {
			lastRequest = time.Now()
		} else if s.cfg.idleExit > 0 {
			left := time.Until(lastRequest.Add(s.cfg.idleExit))
			if leave = left <= 0; leave {
				timeout = 0 // who is there already is served, or the next process would start for it
			} else {
				timeout = int(left/time.Millisecond) + 1
			}
		}
		n, err := unix.Poll(fds, timeout)
		if err != nil && err != unix.EINTR {
			return os.NewSyscallError("poll", err)
		}
		if leave && err == nil && n == 0 {
			return nil
		}
		if fds[0].Revents != 0 {
			var b [8]byte
			_, _ = unix.Read(s.wake, b[:])
			lastRequest = time.Now()
		}
		for _, l := range fds[1:] {
			if l.Revents != 0 {
				if err := s.accept(int(l.Fd)); err != nil {
					return err
				}
				lastRequest = time.Now()
			}
		}
	}
}

// nudge makes serve look again.
func (s *server) nudge() { _, _ = unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

func (s *server) accept(listener int) error {
	fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
	switch err {
	case nil:
	case unix.EAGAIN, unix.EINTR, unix.ECONNABORTED:
		return nil
	case unix.EMFILE, unix.ENFILE, unix.ENOMEM, unix.ENOBUFS:
		if s.open.Load() == 0 {
			return os.NewSyscallError("accept", err)
		}
		time.Sleep(10 * time.Millisecond) // until a request has ended, which frees some
		return nil
	default:
		return os.NewSyscallError("accept", err)
	}
	s.open.Add(1)
	s.requests.Add(1)
	go func() {
		defer s.requests.Done()
		r := &request{cfg: s.cfg, log: s.log, conn: newConn(s.cfg, fd)}
		r.serve(s.app, s.queue, s)
		if n := s.open.Add(-1); n == 0 || n == s.most-1 {
			s.nudge()
		}
	}()
	return nil
}

// watch makes it possible for drain to stop a worker.
func (s *server) watch(w worker) (stopped *atomic.Bool, forget func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stopped = new(atomic.Bool)
	s.running[w] = stopped
	if s.stopping != 0 { // it got the place of one that was stopped
		stopped.Store(true)
		w.Signal(s.stopping)
	}
	return stopped, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.running, w)
	}
}

// drain waits for the requests that are left, and stops what takes too long.
func (s *server) drain(most time.Duration) {
	over := make(chan struct{})
	go func() {
		s.requests.Wait()
		close(over)
	}()
	// A program that ignores SIGTERM is killed, so that its client is told, too.
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-over:
			return
		case <-time.After(most):
		}
		s.stop(sig)
		most = killTime
	}
	<-over
}

// stop ends all workers, and those that are still to come.
func (s *server) stop(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = sig
	for w, stopped := range s.running {
		stopped.Store(true)
		w.Signal(sig)
	}
}
