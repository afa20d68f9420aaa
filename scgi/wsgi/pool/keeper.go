// Package pool keeps a WSGI application warm: workers that have it loaded accept and serve one
// request after the other, and are supervised, replaced and reloaded. What they don't serve by
// themselves they pass on; it is read and queued here, and given to the worker that is free first.
package pool

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/internal/poll"
	"github.com/socketgi/socketgi/scgi/wsgi"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// Config is what a pool of warm workers is made of.
type Config struct {
	// Gateway is what holds for all requests. Its log may wait.
	Gateway *gateway.Config
	// Records takes the records of requests, and never waits.
	Records gateway.Recorder
	// App is the application.
	App wsgi.App
	// Python is the interpreter: CPython 3.8 or later, or PyPy 3.
	Python string
	// FindPython finds the interpreter anew each time that the application is loaded; nil: it
	// stays the same.
	FindPython func() (path string, err error)
	// CacheDir is a directory where workers keep what they need to start faster next time; "":
	// none. It must belong to their user or to root: code is loaded from it.
	CacheDir string
	// Env is the whole environment of the workers, each NAME=VALUE, but for REMOTE_ADDR and
	// REMOTE_PORT, which systemd sets to the address of the web server.
	Env []string
	// Stderr is the descriptor of their log.
	Stderr int
	// Interface is what the application is called by: [wsgi.WSGI], [wsgi.ASGI], or "" for what it looks like.
	Interface string
	// Marks has lines that they write there for a request begin with its id ([CutMark]).
	Marks bool
	// Timeout is how long a request, and loading the application, may take; 0: for ever.
	Timeout time.Duration
	// Workers is how many there are.
	Workers int
	// Concurrency is how many requests a worker with an ASGI application takes at once; 0:
	// [DefaultConcurrency]. An open WebSocket is one of them. A WSGI application answers one.
	Concurrency int
	// MaxMessage is the largest message of a WebSocket that is received, in bytes; 0: any.
	MaxMessage int64
	// MaxRequests is after how many a worker is replaced; 0: never, 1: each request gets a
	// fresh one.
	MaxRequests int
	// MaxMemory is with how many bytes resident after a request it is replaced; 0: any.
	MaxMemory int64
	// Record has each request measured and recorded. Requests that fail are in any case.
	Record bool
	// Preload has them forked from a process that has the application loaded.
	Preload bool
	// Reload has the application loaded again when a file of it changes.
	Reload bool
	// WarmPath, with its query, is what the application is asked for when it is loaded, before
	// any client asks; "": nothing.
	WarmPath string
	// IdleExit is how long there may be no request until Serve returns; 0: for ever.
	IdleExit time.Duration
	// Backlog is how many connections are held at once; more wait in the kernel.
	Backlog int
}

// DefaultConcurrency is that of [Config]: of the 1024 files that systemd allows a service
// (DefaultLimitNOFILE=), each request may have ten open.
const DefaultConcurrency = 100

// keeper serves listeners by warm workers. One goroutine, that of run, has all of its state, so
// there is nothing to lock; what waits is done by others, which post what comes of it.
type keeper struct {
	cfg   *Config
	mail  chan func()
	over  chan struct{} // closed when nothing is done any more
	notes notes
	pool
	slowLane
	looks

	listeners  []activation.Socket
	dir        string // the working directory, by its name
	now        time.Time
	asked      time.Time // when there was a request last
	served     int
	statusDue  bool // status may be another one than statusSent, of statusAt
	statusSent string
	statusAt   time.Time
	ready      bool
	stopping   *stopping // nil: it goes on
	failure    error     // why it doesn't
	watcher    *watcher  // nil: files are not watched
	changed    time.Time // when a file did last; zero: since it was loaded, none did
	watchdog   time.Duration
	fed        time.Time
	deadlines  []deadline
	buf, msg   []byte
}

// Serve serves listeners until nothing was asked for IdleExit, or SIGTERM. A connection that
// comes after that waits in the listener for the next process.
func (c *Config) Serve(listeners []activation.Socket) error {
	door, err := worker.NewDoor()
	if err != nil {
		return err
	}
	watchdog, _ := activation.WatchdogInterval() // what is no number is no interval
	k := &keeper{cfg: c, listeners: listeners, dir: workingDir(c.App), mail: make(chan func(), 64), over: make(chan struct{}),
		buf: make([]byte, 64<<10), watchdog: watchdog, notes: newNotes()}
	defer close(k.over)
	if k.stopWatching, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	k.door, k.most = door, gateway.MostConnections(c.Backlog)
	k.config = c.worker(door, listeners)
	for _, l := range listeners { // as systemd has made it already
		_ = unix.SetNonblock(l.FD, true)
	}
	k.onSignals()
	if err := k.hearAskers(); err != nil {
		k.problem(gateway.Warning, "nobody can ask for a reload, except by SIGHUP: "+err.Error())
	}
	if c.Reload {
		if err := k.watchFiles(); err != nil {
			k.problem(gateway.Error, "changes of files are not noticed: "+err.Error())
		}
	}
	return k.run()
}

// CutMark returns the id of the request that a worker has written a line for, "" for none, and the
// line without it.
func CutMark(line []byte) (id string, text []byte) { return worker.CutMark(line) }

// worker is how a worker is started.
func (c *Config) worker(door *worker.Door, listeners []activation.Socket) *worker.Config {
	warm := &worker.WarmConfig{Door: door, Peers: c.Gateway.Peers, Limits: c.Gateway.Limits, Mount: c.Gateway.Mount, Declined: c.Gateway.ProbeVariable,
		Patience: c.Gateway.SendTimeout, MaxRequests: c.MaxRequests, MaxMemory: c.MaxMemory, Record: c.Record, Files: c.Reload, WarmPath: c.WarmPath, Marks: c.Marks}
	for _, l := range listeners {
		warm.Listeners = append(warm.Listeners, l.FD)
	}
	return &worker.Config{App: worker.App(c.App), Python: c.Python, CacheDir: c.CacheDir, Env: c.Env, Stderr: c.Stderr, Interface: c.Interface, MaxMessage: c.MaxMessage, Warm: warm}
}

// problem logs what is wrong.
func (k *keeper) problem(p gateway.Priority, text string) {
	k.cfg.Gateway.Log.Line(gateway.Line{Priority: p, Text: text})
}

func (k *keeper) onSignals() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		for s := range signals {
			if s == syscall.SIGHUP {
				k.post(k.reload)
			} else {
				k.post(k.stop)
			}
		}
	}()
}

// post has the keeper's goroutine do something.
func (k *keeper) post(do func()) {
	select {
	case k.mail <- do:
	case <-k.over:
	}
}

// whenever has the keeper's goroutine do something each time that one of fds is readable or
// closed, until that returns false. None may be closed before.
func (k *keeper) whenever(do func() bool, fds ...int) {
	list := make([]unix.PollFd, 0, len(fds))
	for _, fd := range fds {
		list = append(list, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	go func() {
		again := make(chan bool)
		for on := true; on; {
			_, _ = poll.Until(list, time.Time{})
			k.post(func() { again <- do() })
			select {
			case on = <-again:
			case <-k.over:
				return
			}
		}
	}()
}

// run serves until it is time to leave.
func (k *keeper) run() error {
	k.now = time.Now()
	k.asked = k.now
	k.grow()
	k.hearDoor()
	timer := time.NewTimer(0)
	for {
		select {
		case do := <-k.mail:
			k.now = time.Now()
			do()
		case <-timer.C:
			k.now = time.Now()
		}
		k.expire()
		k.dispatch()
		k.grow()
		k.tell()
		if k.stopping != nil && k.stopped() {
			return k.failure
		}
		timer.Stop()
		if next := k.next(); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}
