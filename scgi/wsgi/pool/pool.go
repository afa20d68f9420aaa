package pool

import (
	"errors"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
	"golang.org/x/sys/unix"
)

// pool is the part of a keeper that supplies workers.
type pool struct {
	config  *worker.Config
	parent  *worker.Parent // forks the workers; nil: none
	loading bool           // a process is being started
	version int            // the number of reloads
	members []*member      // the workers that have not ended
	count   int            // workers of this version, running or requested, without those that are leaving
	alive   int            // ended workers that are not closed or logged yet
	parents int            // parents that are not closed yet

	trouble *outcome.Problem // why the last start failed
	again   time.Time        // the next attempt
	pause   time.Duration    // between the last two
	early   int              // consecutive processes that ended before serving a request

	reloading, reloadAgain bool
	settleAt               time.Time // the next check whether workers with the old application still accept
	askers, asking         []int     // sockets of processes that wait for the next reload, and for the current one
}

// grow starts workers until Config.Workers are running or requested.
func (k *keeper) grow() {
	orphaned := k.cfg.Preload && k.parent == nil
	switch {
	case k.count >= k.cfg.Workers && !orphaned, k.loading, k.now.Before(k.again):
		return
	case k.trouble != nil && k.count == 0 && k.waiting() == nil:
		return // until the next request
	case k.stopping != nil && (k.stopping.step > finishing || k.waiting() == nil):
		return
	case orphaned, !k.cfg.Preload:
		cfg, problem := k.prepare()
		if problem != nil {
			k.noWorker(problem)
			return
		}
		k.loading = true
		if orphaned {
			go k.startParent(cfg, k.version)
			return
		}
		k.count++
		go k.startOne(cfg, k.version)
		return
	}
	for k.count < k.cfg.Workers {
		err := k.parent.Fork()
		if errors.Is(err, unix.EPIPE) {
			return // the parent has ended, which hearParent is about to see
		}
		if err != nil {
			k.noWorker(&outcome.Problem{Kind: outcome.Busy, Text: err.Error()})
			return
		}
		k.count++
	}
}

// startOne starts a worker that loads the application itself.
func (k *keeper) startOne(cfg *worker.Config, version int) {
	w, rep := worker.StartWarm(cfg, k.cfg.Timeout)
	k.post(func() {
		k.loading = false
		k.loaded(rep)
		if rep.Problem != nil {
			if version == k.version {
				k.count--
			}
			k.noWorker(rep.Problem)
			return
		}
		k.works()
		k.join(w, version)
	})
}

// startParent starts a parent, which forks workers.
func (k *keeper) startParent(cfg *worker.Config, version int) {
	p, rep := worker.StartParent(cfg, k.cfg.Timeout)
	k.post(func() {
		k.loading = false
		k.loaded(rep)
		if rep.Problem != nil {
			k.noWorker(rep.Problem)
			return
		}
		k.adopt(p, rep.Warnings, version)
	})
}

// adopt makes p the parent of future workers, unless the application was reloaded since p was started.
func (k *keeper) adopt(p *worker.Parent, warnings []string, version int) {
	k.parents++
	k.whenever(func() bool { return k.hearParent(p, version) }, p.FD())
	if version != k.version || k.stopping != nil && k.stopping.step > finishing {
		p.Leave()
		return
	}
	k.parent = p
	k.works()
	for _, text := range warnings {
		k.problem(gateway.Warning, text)
	}
}

// hearParent handles a parent's reports, and returns whether more can follow.
func (k *keeper) hearParent(p *worker.Parent, version int) bool {
	forked, alive := p.Handle(k.buf)
	for _, f := range forked {
		switch {
		case f.Problem == nil:
			k.join(f.Worker, version)
		case version == k.version:
			if k.count--; alive {
				k.noWorker(f.Problem)
			}
		}
	}
	if alive {
		return true
	}
	if k.parent == p { // it was killed, and grow replaces it
		k.parent = nil
		k.endedUnused(p)
	}
	go func() {
		p.Close()
		k.post(func() { k.parents-- })
	}()
	return false
}

// forking returns when the fork that the parent is at began, if a timeout applies to it.
func (k *keeper) forking() (since time.Time, limited bool) {
	if k.parent == nil || k.cfg.Timeout <= 0 {
		return time.Time{}, false
	}
	since = k.parent.Since()
	return since, !since.IsZero()
}

// parentHangs kills a parent whose fork exceeds the timeout.
func (k *keeper) parentHangs() {
	p := k.parent
	k.parent = nil // grow replaces it, and hearParent sees its end
	for _, f := range p.Orphan() {
		if f.Problem != nil {
			k.count--
		}
	}
	k.noWorker(&outcome.Problem{Kind: outcome.Busy, Text: "no worker was forked within " + outcome.FormatDuration(k.cfg.Timeout) +
		": a function that the application registered with os.register_at_fork may hang"})
	go p.Kill()
}

// dropParent has the parent end after its last worker.
func (k *keeper) dropParent() {
	if k.parent != nil {
		k.parent.Leave()
		k.parent = nil
	}
}

// noWorker records that no worker could be started, and schedules the next attempt. If there is no
// other worker, the queued requests fail.
func (k *keeper) noWorker(problem *outcome.Problem) {
	k.trouble = problem
	k.pause = min(max(2*k.pause, 500*time.Millisecond), 10*time.Second)
	k.again = time.Now().Add(k.pause)
	k.statusDue = true
	logged := k.count == 0 && k.failQueue(problem)
	if !logged { // a failed request logs the problem
		k.problem(gateway.Error, problem.Text)
	}
	k.isReady() // requests are answered with the problem
}

// works records that workers can be started.
func (k *keeper) works() { k.trouble, k.pause, k.again = nil, 0, time.Time{} }

// hopeless returns whether no worker can take a request before the next attempt to start one.
func (k *keeper) hopeless() bool {
	return k.count == 0 && !k.loading && k.trouble != nil && time.Now().Before(k.again)
}

// why returns the reason why there is no worker: a failure of the application, or else a service that is busy.
func (k *keeper) why() *outcome.Problem {
	p := &outcome.Problem{Kind: outcome.Busy,
		Text: "no worker is started before " + k.again.Format(time.TimeOnly) + ", because the last one failed: " + k.trouble.Text}
	if k.trouble.Kind == outcome.Failed {
		p.Kind = outcome.Failed
	}
	return p
}

// lastLine returns the last line of text: of a traceback, the exception.
func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }
