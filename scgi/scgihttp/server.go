package scgihttp

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
)

// Serve answers the SCGI requests of l with h ([Server.Serve]). With a nil l it serves the sockets that
// were passed to this process. A nil h is http.DefaultServeMux.
func Serve(l net.Listener, h http.Handler) error {
	return (&Server{Handler: h}).Serve(l)
}

// Server answers SCGI requests with an http.Handler. The zero value is ready for use. A Server must not be
// copied, nor its fields changed while it serves.
//
// A handler is called after the complete request has arrived, including its body: a web server stops
// sending when it gets a response. A malformed request is refused without a handler (400, 408, 413 or 431).
// The request's context is cancelled when the web server closes the connection.
//
// The http.ResponseWriter has no Hijack. It drops informational (1xx) statuses, and headers about the
// connection to the client. If a handler panics after the head of the response was sent, or writes less
// than its Content-Length, the connection is reset, so that the web server notices an incomplete response.
type Server struct {
	// Handler answers the requests. Default: http.DefaultServeMux.
	Handler http.Handler
	// ReadHeaderTimeout limits the time until the header of a request is complete. Default: 10 s.
	// (A body times out after 10 s without progress.)
	ReadHeaderTimeout time.Duration
	// WriteTimeout limits the time from the end of the request to the end of the response. Default: no
	// limit. A handler can change it for its response with http.ResponseController.
	WriteTimeout time.Duration
	// SendTimeout limits the time in which the web server reads nothing of a response. After that,
	// writing fails with os.ErrDeadlineExceeded, and the response is cut off. Default: 10 s; a negative
	// value is no limit.
	SendTimeout time.Duration
	// MaxHeaderBytes is the size in bytes of the largest request header. Default: 64 KiB.
	MaxHeaderBytes int
	// MaxBodyBytes is the size in bytes of the largest request body. Default: no limit; the web server
	// has its own (nginx: client_max_body_size). A body over 64 KiB is stored in a temporary file in
	// $TMPDIR, by default /var/tmp.
	MaxBodyBytes int64
	// ErrorLog logs panics, refused requests and mistakes of handlers. Default: the standard logger of
	// package log.
	ErrorLog *log.Logger
	// IdleExit is the time without a connection after which Serve returns nil. Default: never. It is for
	// listening sockets of a service manager, which keeps them open: connections that arrive meanwhile
	// wait for the next activation. Other listeners are closed, and their waiting connections are lost.
	IdleExit time.Duration
	// ConnContext returns the context of a connection's request, derived from ctx, as in http.Server.
	ConnContext func(ctx context.Context, c net.Conn) context.Context

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[net.Conn]struct{}
	lastConn  time.Time     // the end of the last connection, for IdleExit
	leaving   chan struct{} // closed when no more connections are accepted
	left      bool
	result    error // the result of Serve when left is true

	running sync.WaitGroup // calls of Serve
}

// socket is a source of connections.
type socket struct {
	net.Listener
	name   string
	shared bool // other processes have the connections open, too
}

// Serve accepts connections from l, and answers the one request of each. It returns when accepting fails,
// after [Server.Shutdown] or [Server.Close] (http.ErrServerClosed), or after IdleExit (nil). Unlike
// http.Server.Serve, it waits for running requests before it returns.
//
// With a nil l, this process is the service of a service manager, and Serve does the following:
//
//   - It serves the sockets that were passed to the process (activation.Receive): one connection, of an
//     Accept=yes socket unit or from inetd, after which it returns nil; or all listening sockets, which
//     it never unlinks.
//   - It sends READY=1 and STOPPING=1, and WATCHDOG=1 at the interval of WatchdogSec=
//     ([activation.Notify]).
//   - On SIGTERM it stops accepting, and returns nil after the last response. A second SIGTERM ends the
//     process.
func (s *Server) Serve(l net.Listener) error {
	if l == nil {
		return s.serveHanded()
	}
	return s.serve([]*socket{{Listener: l}}, nothing)
}

func nothing() {}

// serve accepts from all sockets, and closes them. It calls stopping when it stops accepting.
func (s *Server) serve(sockets []*socket, stopping func()) error {
	if !s.enter(sockets) {
		for _, l := range sockets {
			l.Close()
		}
		return http.ErrServerClosed
	}
	defer s.running.Done()
	if s.IdleExit > 0 {
		go s.watchIdle()
	}
	var work sync.WaitGroup // everything that is in progress for these sockets
	ended := make(chan error, len(sockets))
	for _, l := range sockets {
		work.Add(1)
		go func() {
			defer work.Done()
			ended <- s.accept(l, &work)
		}()
	}
	err := <-ended
	for _, l := range sockets { // also if only one has failed
		s.forget(l.Listener)
	}
	stopping()
	work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left {
		return s.result
	}
	return err
}

// accept accepts and serves connections until the listener is closed.
func (s *Server) accept(l *socket, work *sync.WaitGroup) error {
	w := &workers{next: make(chan net.Conn)}
	defer close(w.next)
	pause := time.Duration(0)
	for {
		c, err := l.Accept()
		if err == nil {
			pause = 0
			s.track(c)
			select {
			case w.next <- c:
			default:
				work.Add(1)
				go func() {
					defer work.Done()
					s.work(c, l, w)
				}()
			}
			continue
		}
		if !passes(err) {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second) // as net/http
		s.logf("scgihttp: accept: %v; trying again in %v", err, pause)
		select {
		case <-time.After(pause):
		case <-s.leaving:
		}
	}
}

// maxWaiting limits the number of goroutines per listener that wait for a connection.
const maxWaiting = 64

// workers are the goroutines that serve the connections of a listener. They are reused, because growing the
// stack of a new one takes a large part of the time of a small response.
type workers struct {
	next    chan net.Conn // unbuffered: sending succeeds only if a worker waits
	waiting atomic.Int32
}

// work serves a connection, then further ones.
func (s *Server) work(c net.Conn, l *socket, w *workers) {
	for ok := true; ok; {
		s.serveConn(c, l)
		if w.waiting.Add(1) <= maxWaiting {
			c, ok = <-w.next
		} else {
			ok = false
		}
		w.waiting.Add(-1)
	}
}

// passes reports whether accepting may succeed later (accept(2)).
func passes(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPROTO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Shutdown stops accepting, and waits for the running requests. It returns the error of ctx if that is done
// before.
func (s *Server) Shutdown(ctx context.Context) error {
	s.leave(http.ErrServerClosed)
	over := make(chan struct{})
	go func() {
		s.running.Wait()
		close(over)
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close stops accepting, and closes all connections. The contexts of running handlers are cancelled; Close
// doesn't wait for them.
func (s *Server) Close() error {
	s.leave(http.ErrServerClosed)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
	return nil
}

// enter registers the sockets, and reports whether the server hasn't been stopped.
func (s *Server) enter(sockets []*socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.init()
	if s.left {
		return false
	}
	for _, l := range sockets {
		s.listeners[l.Listener] = struct{}{}
	}
	s.lastConn = time.Now()
	s.running.Add(1)
	return true
}

// init is called with the lock held.
func (s *Server) init() {
	if s.leaving == nil {
		s.leaving = make(chan struct{})
		s.listeners = make(map[net.Listener]struct{})
		s.conns = make(map[net.Conn]struct{})
	}
}

// leave closes the listeners; Serve returns err after the running requests. Only the first call counts.
func (s *Server) leave(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leaveLocked(err)
}

func (s *Server) leaveLocked(err error) {
	s.init()
	if s.left {
		return
	}
	s.left, s.result = true, err
	close(s.leaving)
	for l := range s.listeners {
		l.Close()
	}
	clear(s.listeners)
}

// forget closes a listener.
func (s *Server) forget(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.Close()
	delete(s.listeners, l)
}

func (s *Server) track(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[c] = struct{}{}
}

func (s *Server) untrack(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if s.IdleExit > 0 && len(s.conns) == 0 {
		s.lastConn = time.Now()
	}
}

// watchIdle stops the server after IdleExit without a connection.
func (s *Server) watchIdle() {
	wait := s.IdleExit
	for {
		select {
		case <-s.leaving:
			return
		case <-time.After(wait):
		}
		if wait = s.untilIdle(); wait <= 0 {
			return
		}
	}
}

// untilIdle returns the time until the next check. If that is not positive, it has stopped the server.
func (s *Server) untilIdle() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.conns) > 0 {
		return s.IdleExit
	}
	wait := s.IdleExit - time.Since(s.lastConn)
	if wait <= 0 {
		s.leaveLocked(nil)
	}
	return wait
}

func (s *Server) limits() *scgi.Limits {
	return &scgi.Limits{HeaderBytes: s.MaxHeaderBytes, HeaderTimeout: s.ReadHeaderTimeout, BodyBytes: s.MaxBodyBytes}
}

func (s *Server) sendTimeout() time.Duration {
	switch {
	case s.SendTimeout == 0:
		return 10 * time.Second // as in the adapter
	case s.SendTimeout < 0:
		return 0
	}
	return s.SendTimeout
}

func (s *Server) logf(format string, args ...any) {
	if s.ErrorLog != nil {
		s.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}
