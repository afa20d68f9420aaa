package main

import (
	"container/list"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/scgi/wsgi"
	"golang.org/x/sys/unix"
)

// warmConfig is what the command line says of workers that stay.
type warmConfig struct {
	workers     int    // how many
	maxRequests int    // after how many a worker is replaced, 0: never
	maxMemory   int64  // with how many bytes resident it is, 0: any
	preload     bool   // they are forked from a process that has the application
	reload      bool   // load the application again when a file of it changes
	warmPath    string // what it is asked for before anybody else does
}

// keeper serves listeners by workers that stay. One goroutine, that of run, does all that
// never waits: there is nothing to lock, and no switch between threads on the way from a
// connection to the worker that answers it. What waits is done by others, who post what
// comes of it.
type keeper struct {
	cfg     *config
	log     *logger
	poll    *poller
	mail    *mailbox
	records *recorder
	notes   notes
	pool

	listeners []activation.Socket
	dir       string // the working directory, by its name
	accepts   bool
	most      int // connections
	room      int // fewer, where no more descriptors were left
	open      int
	fresh     []*job     // connections that were just accepted and have sent nothing yet
	silent    *list.List // of jobs: connections that have sent no header, in the order in which they came
	queue     []*job     // requests without a worker, in the order in which they came
	now       time.Time
	asked     time.Time // when there was a connection last
	served    int
	news      bool // status has something new to say
	said      string
	saidAt    time.Time
	ready     bool
	stopping  *stopping // nil: it goes on
	failure   error     // why it doesn't
	watcher   *watcher  // nil: files are not watched
	changed   time.Time // when a file did last; zero: since it was loaded, none did
	watchdog  time.Duration
	fed       time.Time
	numbers   uint32 // of jobs
	buf, msg  []byte
}

// serveWarm serves until nothing was asked for --idle-exit, or SIGTERM.
func serveWarm(cfg *config, log *logger, w *wsgi.Config, listeners []activation.Socket) error {
	board, err := wsgi.NewBoard()
	if err != nil {
		return err
	}
	w.Stay = &wsgi.Stay{Board: board, Weigh: cfg.warm.maxMemory, Meter: !cfg.quiet, Files: cfg.warm.reload, Fresh: cfg.warm.maxRequests == 1, WarmPath: cfg.warm.warmPath}
	stderr, logged := log.stderr(nil)
	defer logged()
	w.Stderr = stderr
	k := &keeper{cfg: cfg, log: log, listeners: listeners, dir: workingDir(cfg.app), most: min(cfg.backlog, int(mostConnections(taskLimit()))),
		pool: pool{wsgi: w}, buf: make([]byte, 64<<10), watchdog: watchdogTime(), records: newRecorder(log), notes: newNotes()}
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
	k.room, k.silent = k.most, list.New()
	k.onSignals()
	if err := k.hearAskers(); err != nil {
		log.write(prioWarning, "nobody can ask for a reload, except by SIGHUP: "+err.Error(), field{"MESSAGE_ID", msgProblem})
	}
	for _, why := range cfg.passed {
		log.write(prioWarning, why, field{"MESSAGE_ID", msgProblem})
	}
	if cfg.warm.reload {
		if err := k.watchFiles(); err != nil {
			log.write(prioErr, "--reload: "+err.Error(), field{"MESSAGE_ID", msgProblem})
		}
	}
	return k.run()
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
		k.now = time.Now() // before all else: who comes after a long silence comes now
		k.poll.handle()
		k.await()
		k.expire()
		k.dispatch()
		k.grow()
		k.tell()
		if k.stopping != nil && k.stopped() {
			k.records.flush()
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
			k.log.write(prioErr, err.Error(), field{"MESSAGE_ID", msgProblem})
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

// patience is how many milliseconds there is nothing to do unless something happens.
func (k *keeper) patience() int {
	next := time.Time{}
	sooner := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	if first := k.silent.Front(); first != nil {
		sooner(first.Value.(*job).deadline)
	}
	if len(k.queue) > 0 {
		sooner(k.queue[0].deadline)
	}
	ahead := false
	for _, m := range k.members {
		if len(m.jobs) > 0 && k.cfg.timeout > 0 && !m.killed {
			sooner(m.begun.Add(k.cfg.timeout))
		}
		if len(m.jobs) > 1 {
			ahead = true
			sooner(m.jobs[1].deadline)
		}
	}
	if ahead && len(k.idle) > 0 {
		sooner(k.now.Add(time.Millisecond))
	}
	if since, limited := k.forking(); limited {
		sooner(since.Add(k.cfg.timeout))
	}
	if k.open == 0 && k.stopping == nil && k.ready && k.cfg.idleExit > 0 {
		sooner(k.asked.Add(k.cfg.idleExit))
	}
	if k.count < k.cfg.warm.workers && k.again.After(k.now) {
		sooner(k.again)
	}
	if k.news {
		sooner(k.saidAt.Add(statusInterval))
	}
	if k.watchdog > 0 {
		sooner(k.fed.Add(k.watchdog))
	}
	if !k.changed.IsZero() {
		sooner(k.changed.Add(settleTime))
	}
	if k.stopping != nil {
		sooner(k.stopping.next)
	}
	if next.IsZero() {
		return -1
	}
	return max(0, int(time.Until(next)/time.Millisecond)+1)
}

// expire deals with all whose time is up.
func (k *keeper) expire() {
	for first := k.silent.Front(); first != nil && !k.now.Before(first.Value.(*job).deadline); first = k.silent.Front() {
		k.neverSpoke(k.silent.Remove(first).(*job))
	}
	for len(k.queue) > 0 && !k.now.Before(k.queue[0].deadline) {
		j := k.queue[0]
		k.queue = k.queue[1:]
		k.tooLate(j)
	}
	for _, m := range slices.Clone(k.members) {
		if len(m.jobs) > 1 && (!k.now.Before(m.jobs[1].deadline) || len(k.idle) > 0) && k.takeBack(m) {
			continue // it is in the queue again
		}
		if len(m.jobs) > 0 && k.cfg.timeout > 0 && !m.killed && !k.now.Before(m.begun.Add(k.cfg.timeout)) {
			k.kill(m)
		}
	}
	if since, limited := k.forking(); limited && !k.now.Before(since.Add(k.cfg.timeout)) {
		k.parentHangs()
	}
	if !k.changed.IsZero() && k.now.Sub(k.changed) >= settleTime {
		k.changed = time.Time{}
		k.reload()
	}
	if k.stopping == nil && k.ready && k.open == 0 && k.cfg.idleExit > 0 && !k.now.Before(k.asked.Add(k.cfg.idleExit)) && !k.knocked() {
		k.stop()
	}
}

// knocked tells whether a connection waits: who is there already is served, or the next
// process would start for it.
func (k *keeper) knocked() bool {
	var fds []unix.PollFd
	for _, l := range k.listeners {
		fds = append(fds, unix.PollFd{Fd: int32(l.FD), Events: unix.POLLIN})
	}
	n, err := unix.Poll(fds, 0)
	return n > 0 || err != nil
}
