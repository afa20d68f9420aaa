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

// Serve answers the SCGI requests that come by l with h, and returns when it has ended.
// A nil l stands for whatever this process was handed; see [Server.Serve]. A nil h
// stands for http.DefaultServeMux.
func Serve(l net.Listener, h http.Handler) error {
	return (&Server{Handler: h}).Serve(l)
}

// Server answers SCGI requests with an http.Handler. Its zero value is ready for use.
// It may not be copied, and its fields not be changed while it serves.
//
// A handler starts when all of its request is there, body included: a web server stops
// sending when it sees a response. A request that is malformed is answered without a
// handler (400, 408, 413 or 431). The request's context is cancelled when the web
// server closes the connection.
//
// The http.ResponseWriter has no Hijack. It drops informational (1xx) statuses, and
// headers that are about the connection to the client. When a handler panics, or writes
// less than its Content-Length, after the head of the response is out, the connection is
// reset, so that the web server can tell that there is no more.
type Server struct {
	// Handler answers the requests. Default http.DefaultServeMux.
	Handler http.Handler
	// ReadHeaderTimeout is the time in which all of a request's header must have
	// arrived. Default 10 s. (The body may make no progress for 10 s.)
	ReadHeaderTimeout time.Duration
	// WriteTimeout is the time from the end of the request in which the response must
	// be written. Default: no limit. A handler can change it for its response by
	// http.ResponseController.
	WriteTimeout time.Duration
	// SendTimeout is how long the web server may take nothing of a response: then the
	// response is given up, and writing it fails with os.ErrDeadlineExceeded. Default 10 s;
	// less than 0 is no limit.
	SendTimeout time.Duration
	// MaxHeaderBytes is the largest request header, in bytes. Default 64 KiB.
	MaxHeaderBytes int
	// MaxBodyBytes is the largest request body, in bytes. Default: no limit; the web
	// server has one of its own (nginx: client_max_body_size). A body over 64 KiB is
	// held in a temporary file; its folder is $TMPDIR, else /var/tmp.
	MaxBodyBytes int64
	// ErrorLog is where panics, refused requests and mistakes of handlers are logged.
	// Default: the standard logger of package log.
	ErrorLog *log.Logger
	// IdleExit is after how long without a connection Serve returns nil. Default:
	// never. It is meant for the listening sockets of a service manager, which keeps
	// them open: what arrives while the server is leaving waits there for the next
	// activation. A listener that nobody else has open is closed, and connections
	// that wait in it are lost.
	IdleExit time.Duration
	// ConnContext may make the context of a connection's request out of the given one,
	// as http.Server has it.
	ConnContext func(ctx context.Context, c net.Conn) context.Context

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[net.Conn]struct{}
	lastConn  time.Time     // when there was one; kept for IdleExit
	leaving   chan struct{} // closed when no more connections are accepted
	left      bool
	result    error // what Serve returns when left

	running sync.WaitGroup // calls of Serve
}

// socket is where connections come from.
type socket struct {
	net.Listener
	name   string
	shared bool // other processes have the connections open, too
}

// Serve accepts connections from l, and answers the one request of each, until it fails,
// [Server.Shutdown] or [Server.Close] is called (http.ErrServerClosed), or there was no
// connection for IdleExit (nil). Unlike net/http's it then waits for the requests that are being
// answered.
//
// When l is nil, this process is the service of a service manager, and Serve does all that
// is asked of one:
//
//   - It serves what the process was handed (activation.Receive): one connection, of an
//     Accept=yes socket unit or from inetd, after which it returns nil; or all the
//     listening sockets, which it never unlinks.
//   - It sends READY=1 and STOPPING=1, and WATCHDOG=1 as often as WatchdogSec= asks for it
//     ([activation.Notify]).
//   - On SIGTERM it accepts no more connections, and returns nil when all requests are
//     answered. A second one ends the process.
func (s *Server) Serve(l net.Listener) error {
	if l == nil {
		return s.serveHanded()
	}
	return s.serve([]*socket{{Listener: l}}, nothing)
}

func nothing() {}

// serve accepts from all of the sockets, and closes them. It calls stopping when it
// accepts no more.
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
	for _, l := range sockets { // one that fails takes the others along
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

// accept accepts connections until the listener is closed. Each that it gets is served.
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

// maxWaiting is how many goroutines per listener wait for a connection.
const maxWaiting = 64

// workers are the goroutines that serve what a listener accepts. One that has served a
// connection has a stack that is large enough for the next; growing it for each would be
// a good part of the work that is done for a small response.
type workers struct {
	next    chan net.Conn // takes one only when a worker waits for it
	waiting atomic.Int32
}

// work serves a connection, then those that come.
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

// passes tells whether accepting may work again later (accept(2)).
func passes(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPROTO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// Shutdown accepts no more connections, and waits until all requests are answered, or
// ctx is done, whose error it returns then.
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

// Close accepts no more connections, and closes those that there are. It doesn't wait
// for handlers, whose contexts are cancelled.
func (s *Server) Close() error {
	s.leave(http.ErrServerClosed)
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
	return nil
}

// enter takes the sockets in, and tells whether the server is still there to serve them.
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

// leave closes the listeners; Serve then returns err. What was accepted is served. Only
// the first call counts.
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

// watchIdle ends the server when there has been no connection for IdleExit.
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

// untilIdle returns how long to wait before it is worth to look again, and leaves when
// that is not at all.
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
		return 10 * time.Second // as the adapter has it
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
