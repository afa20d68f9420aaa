// Package pool keeps a WSGI application warm: workers that have it loaded serve one request
// after the other, and are supervised, replaced and reloaded.
package pool

import (
	"container/list"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/scgi/gateway"
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
	// Marks has lines that they write there for a request begin with its id ([CutMark]).
	Marks bool
	// Timeout is how long a request, and loading the application, may take; 0: for ever.
	Timeout time.Duration
	// Workers is how many there are.
	Workers int
	// MaxRequests is after how many a worker is replaced; 0: never, 1: each request gets a
	// fresh one.
	MaxRequests int
	// MaxMemory is with how many bytes resident after a request it is replaced; 0: any.
	MaxMemory int64
	// Meter has workers tell the processor time and the memory of each request.
	Meter bool
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

// keeper serves listeners by warm workers. One goroutine, that of run, does all that
// never waits: there is nothing to lock, and no switch between threads on the way from a
// connection to the worker that answers it. What waits is done by others, which post what
// comes of it.
type keeper struct {
	cfg   *Config
	poll  *poller
	mail  *mailbox
	notes notes
	pool

	listeners  []activation.Socket
	dir        string // the working directory, by its name
	accepts    bool
	most       int // connections
	room       int // fewer, where no more descriptors were left
	open       int
	fresh      []*job     // connections that were just accepted and have sent nothing yet
	silent     *list.List // of jobs: connections that have sent no header, in the order in which they came
	queue      []*job     // requests without a worker, in the order in which they came
	now        time.Time
	asked      time.Time // when there was a connection last
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
	numbers    uint32 // of jobs
	deadlines  []deadline
	buf, msg   []byte
}

// Serve serves listeners until nothing was asked for IdleExit, or SIGTERM. A connection that
// comes after that waits in the listener for the next process.
func (c *Config) Serve(listeners []activation.Socket) error {
	board, err := worker.NewBoard()
	if err != nil {
		return err
	}
	most := gateway.MostConnections(c.Backlog)
	watchdog, _ := activation.WatchdogInterval() // what is no number is no interval
	k := &keeper{cfg: c, listeners: listeners, dir: workingDir(c.App), most: most, room: most, silent: list.New(),
		pool: pool{config: c.worker(board)}, buf: make([]byte, 64<<10), watchdog: watchdog, notes: newNotes()}
	if k.poll, err = newPoller(); err != nil {
		return err
	}
	if k.mail, err = newMailbox(); err != nil {
		return err
	}
	if err := k.poll.add(k.mail.wake, k.mail.open); err != nil {
		return err
	}
	for _, l := range listeners { // as systemd has made it already
		_ = unix.SetNonblock(l.FD, true)
	}
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0))) // one is held while the poller waits shortly
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
func (c *Config) worker(board *worker.Board) *worker.Config {
	return &worker.Config{App: worker.App(c.App), Python: c.Python, CacheDir: c.CacheDir, Env: c.Env, Stderr: c.Stderr,
		Warm: &worker.WarmConfig{Board: board, Weigh: c.MaxMemory, Meter: c.Meter, Files: c.Reload, Fresh: c.MaxRequests == 1, WarmPath: c.WarmPath, Marks: c.Marks}}
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
				k.mail.post(k.reload)
			} else {
				k.mail.post(k.stop)
			}
		}
	}()
}

// run serves until it is time to leave.
func (k *keeper) run() error {
	k.now = time.Now()
	k.asked = k.now
	k.grow()
	for {
		k.setAccepting(k.stopping == nil && k.ready && k.open < k.room)
		if err := k.poll.wait(k.patience()); err != nil {
			return err
		}
		k.now = time.Now() // before all else: a connection after a long silence comes now
		k.poll.handle()
		k.await()
		k.expire()
		k.dispatch()
		k.grow()
		k.tell()
		if k.stopping != nil && k.stopped() {
			return k.failure
		}
	}
}

// setAccepting begins or ends accepting. Connections that are not accepted wait in the
// kernel, where nothing is lost.
func (k *keeper) setAccepting(on bool) {
	if on == k.accepts {
		return
	}
	k.accepts = on
	for _, l := range k.listeners {
		if !on {
			k.poll.remove(l.FD)
		} else if err := k.poll.add(l.FD, func() { k.accept(l.FD) }); err != nil {
			k.problem(gateway.Error, err.Error())
		}
	}
}

// accept accepts what is there.
func (k *keeper) accept(listener int) {
	for k.open < k.room {
		fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		switch err {
		case nil:
			k.arrive(fd)
		case unix.EINTR, unix.ECONNABORTED:
		case unix.EAGAIN:
			return
		default:
			// No descriptor, or no memory, is left: when a request ends, some is. With none to wait
			// for, it won't be.
			if k.open == 0 {
				k.failure = os.NewSyscallError("accept", err)
				k.stop()
			}
			k.room = k.open
			return
		}
	}
}
