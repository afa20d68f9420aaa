package gateway

import (
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"golang.org/x/sys/unix"
)

// Time for running requests when the unit is stopped.
const (
	// DrainTime is the time until their processes get SIGTERM. It is less than TimeoutStopSec= of the
	// units, which leaves time for error pages.
	DrainTime = 8 * time.Second
	// KillTime is the time until they are killed then.
	KillTime = time.Second
)

// Server serves listening sockets (Accept=no), with a process for each request as with Accept=yes. Its
// fields must not be changed while it serves.
type Server struct {
	// Config applies to all requests.
	Config *Config
	// Application starts the process for a request.
	Application Application
	// Queue limits the number of processes.
	Queue Queue
	// IdleExit is the time without a request after which Serve returns; 0 for never.
	IdleExit time.Duration
	// Backlog limits the connections that are held at once; further ones wait in the kernel.
	Backlog int

	listeners []activation.Socket
	wake      int   // an eventfd: something that accept waits for has happened
	most      int32 // connections
	open      atomic.Int32
	done      atomic.Bool // stop accepting
	requests  sync.WaitGroup

	mu       sync.Mutex
	running  map[Process]*stopped
	stopping syscall.Signal // the signal that was sent to all of them
}

// Serve serves until no request has come for IdleExit, or until SIGTERM. Later connections wait in the
// listener for the next process.
func (s *Server) Serve(listeners []activation.Socket) error {
	// Frequent garbage collection keeps this process small; its cost is not measurable beside a process
	// for each request.
	debug.SetGCPercent(25)
	// Go opens descriptors for its first timer, and crashes if that fails. So the first timer must not
	// be the one below that waits for a free descriptor.
	time.Sleep(time.Nanosecond)
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	s.listeners, s.wake, s.most = listeners, wake, int32(MostConnections(s.Backlog))
	for _, l := range listeners { // systemd has done so already
		_ = unix.SetNonblock(l.FD, true)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		s.done.Store(true)
		s.nudge()
	}()
	activation.FeedWatchdog(nil, nil)
	_ = activation.Notify(activation.Ready)
	err = s.acceptAll()
	_ = activation.Notify(activation.Stopping)
	for _, l := range listeners {
		unix.Close(l.FD)
	}
	s.drain(DrainTime)
	return err
}

// acceptAll accepts until the idle timeout or a signal.
func (s *Server) acceptAll() error {
	fds := make([]unix.PollFd, 0, len(s.listeners)+1)
	for lastRequest := time.Now(); ; {
		if s.done.Load() {
			return nil
		}
		fds = append(fds[:0], unix.PollFd{Fd: int32(s.wake), Events: unix.POLLIN})
		if s.open.Load() < s.most {
			for _, l := range s.listeners {
				fds = append(fds, unix.PollFd{Fd: int32(l.FD), Events: unix.POLLIN})
			}
		}
		if s.open.Load() > 0 {
			lastRequest = time.Now()
		}
		n, err := poll.Until(fds, s.idleEnd(lastRequest))
		if err != nil {
			return err
		}
		if n == 0 { // no connection waits, so that systemd doesn't start the next process at once
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

// idleEnd is the time to exit without a connection until then, zero for never.
func (s *Server) idleEnd(lastRequest time.Time) time.Time {
	if s.open.Load() > 0 || s.IdleExit <= 0 {
		return time.Time{}
	}
	return lastRequest.Add(s.IdleExit)
}

// nudge wakes acceptAll.
func (s *Server) nudge() { _, _ = unix.Write(s.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

func (s *Server) accept(listener int) error {
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
		r := s.Config.NewRequest(fd, time.Now())
		r.serve(s.Application, s.Queue, s)
		if n := s.open.Add(-1); n == 0 || n == s.most-1 {
			s.nudge()
		}
	}()
	return nil
}

// watch registers a process for drain.
func (s *Server) watch(p Process) (*stopped, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		s.running = map[Process]*stopped{}
	}
	told := new(stopped)
	s.running[p] = told
	if s.stopping != 0 { // it got a slot because another process was stopped
		told.Store(true)
		p.Signal(s.stopping)
	}
	return told, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.running, p)
	}
}

// drain waits for running requests, and stops those that take too long.
func (s *Server) drain(most time.Duration) {
	over := make(chan struct{})
	go func() {
		s.requests.Wait()
		close(over)
	}()
	// A program that ignores SIGTERM is killed, so that its client gets a response, too.
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		select {
		case <-over:
			return
		case <-time.After(most):
		}
		s.stop(sig)
		most = KillTime
	}
	<-over
}

// stop sends a signal to all processes, and to later ones.
func (s *Server) stop(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = sig
	for p, told := range s.running {
		told.Store(true)
		p.Signal(sig)
	}
}
