// Package pool keeps a WSGI application warm: workers that have it loaded accept and serve one
// request after the other, and are supervised, replaced and reloaded. Requests that they can't
// serve by themselves they pass to this package, which reads and queues them, and hands each to the
// first free worker.
package pool

import (
	"cmp"
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

// Config configures a pool of warm workers.
type Config struct {
	// Gateway has the settings that are the same for all requests. Its Log may block.
	Gateway *gateway.Config
	// Records receives the records of requests. It must not block.
	Records gateway.Recorder
	// App is the application.
	App wsgi.App
	// Python is the path of the interpreter: CPython 3.8 or later, or PyPy 3.
	Python string
	// FindPython returns the interpreter for each load of the application; nil: Python.
	FindPython func() (path string, err error)
	// CacheDir is a directory for files with which workers start faster; "": none. It must
	// belong to their user or to root, because workers load code from it.
	CacheDir string
	// Env is the complete environment of the workers, as NAME=VALUE. REMOTE_ADDR and
	// REMOTE_PORT are removed: systemd sets them to the address of the web server.
	Env []string
	// Stderr is the descriptor for the standard error of workers.
	Stderr int
	// Interface is the interface of the application: [wsgi.WSGI], [wsgi.ASGI], or "" to detect it.
	Interface string
	// Marks has workers begin each line on Stderr with the id of its request ([CutMark]).
	Marks bool
	// Timeout limits a request, and the loading of the application; 0: no limit.
	Timeout time.Duration
	// Workers is the number of workers.
	Workers int
	// Concurrency is the number of requests that a worker with an ASGI application handles at
	// once; 0: [DefaultConcurrency]. An open WebSocket counts as one. A worker with a WSGI
	// application handles one.
	Concurrency int
	// MaxMessage is the size in bytes of the largest WebSocket message that is received; 0: no
	// limit.
	MaxMessage int64
	// MaxRequests is the number of requests after which a worker is replaced; 0: no limit,
	// 1: a fresh worker for each request.
	MaxRequests int
	// MaxMemory is the resident size in bytes above which a worker is replaced, measured after
	// each request; 0: no limit.
	MaxMemory int64
	// Record has each request measured and recorded. Failed requests always are.
	Record bool
	// Preload has workers forked from a parent process that has the application loaded.
	Preload bool
	// Reload has the application reloaded when one of its files changes.
	Reload bool
	// WarmPath, with its query, is requested from the application when it is loaded, before the
	// first request of a client; "": nothing.
	WarmPath string
	// IdleExit is the time without requests after which Serve returns; 0: never.
	IdleExit time.Duration
	// Backlog is the number of connections that are held at once. Further ones wait in the
	// kernel.
	Backlog int
}

// DefaultConcurrency is the default of [Config].Concurrency. systemd allows a service 1024 files
// (DefaultLimitNOFILE=), so that each request can have ten open.
const DefaultConcurrency = 100

// keeper serves listeners with warm workers. All of its state belongs to the goroutine of run, so
// there are no locks. Other goroutines do whatever blocks, and post the result.
type keeper struct {
	cfg   *Config
	mail  chan func()
	over  chan struct{} // closed when run has returned
	notes notes
	pool
	slowLane
	looks

	listeners  []activation.Socket
	dir        string // the path of the working directory
	now        time.Time
	asked      time.Time // the last request
	served     int
	statusDue  bool // the status may differ from statusSent
	statusSent string
	statusAt   time.Time // of statusSent
	ready      bool
	stopping   *stopping // nil: the service isn't being stopped
	failure    error     // the result of Serve
	watcher    *watcher  // nil: files are not watched
	changed    time.Time // the last change of a file since the application was loaded; zero: none
	watchdog   time.Duration
	fed        time.Time
	deadlines  []deadline
	buf, msg   []byte
}

// Serve serves listeners until no request has arrived for IdleExit, or until SIGTERM or SIGINT, and
// reloads the application on SIGHUP. Later connections wait in the listeners for the next process.
// It returns an error if descriptors or memory are exhausted.
func (c *Config) Serve(listeners []activation.Socket) error {
	door, err := worker.NewDoor()
	if err != nil {
		return err
	}
	watchdog, _ := activation.WatchdogInterval() // an invalid value is no interval
	k := &keeper{cfg: c, listeners: listeners, dir: workingDir(c.App), mail: make(chan func(), 64), over: make(chan struct{}),
		buf: make([]byte, 64<<10), watchdog: watchdog, notes: newNotes()}
	defer close(k.over)
	if k.stopWatching, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	k.door, k.most = door, gateway.MostConnections(c.Backlog)
	k.config = c.worker(door, listeners)
	for _, l := range listeners { // systemd has done so already
		_ = unix.SetNonblock(l.FD, true)
	}
	k.onSignals()
	if err := k.hearAskers(); err != nil {
		k.problem(gateway.Warning, "only SIGHUP can request a reload: "+err.Error())
	}
	if c.Reload {
		if err := k.watchFiles(); err != nil {
			k.problem(gateway.Error, "changes of files are not watched: "+err.Error())
		}
	}
	return k.run()
}

// CutMark splits a line from [Config.Stderr] into the id of its request, "" if it has none, and the
// text.
func CutMark(line []byte) (id string, text []byte) { return worker.CutMark(line) }

// worker returns the configuration of the workers.
func (c *Config) worker(door *worker.Door, listeners []activation.Socket) *worker.Config {
	warm := &worker.WarmConfig{Door: door, Peers: c.Gateway.Peers, Limits: c.Gateway.Limits, Mount: c.Gateway.Mount, Declined: c.Gateway.ProbeVariable,
		Patience: c.Gateway.SendTimeout, MaxRequests: c.MaxRequests, MaxMemory: c.MaxMemory, Concurrency: cmp.Or(c.Concurrency, DefaultConcurrency), Timeout: c.Timeout, Record: c.Record, Files: c.Reload, WarmPath: c.WarmPath, Marks: c.Marks}
	for _, l := range listeners {
		warm.Listeners = append(warm.Listeners, l.FD)
	}
	return &worker.Config{App: worker.App(c.App), Python: c.Python, CacheDir: c.CacheDir, Env: c.Env, Stderr: c.Stderr, Interface: c.Interface, MaxMessage: c.MaxMessage, Warm: warm}
}

// problem logs a line that belongs to no request.
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

// post has do called by the keeper's goroutine.
func (k *keeper) post(do func()) {
	select {
	case k.mail <- do:
	case <-k.over:
	}
}

// whenever has do called by the keeper's goroutine each time one of fds is readable or closed, until
// do returns false. The descriptors must stay open until then.
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

// run is the loop of the keeper's goroutine.
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
