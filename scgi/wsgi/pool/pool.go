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

// pool is the part of a keeper that sees to it that there are workers.
type pool struct {
	config  *worker.Config
	parent  *worker.Parent // what they are forked from, nil: there is none
	loading bool           // something is being started
	version int            // counts reloads
	members []*member      // the workers that have not ended
	count   int            // those of this version that there are or that were asked for, and that are not about to end
	alive   int            // workers that have ended, and are to be closed or told of
	parents int            // parents that are not closed

	trouble *outcome.Problem // why the last attempt failed
	again   time.Time        // when the next one is made
	pause   time.Duration
	early   int // processes in a row that have ended without having been of use

	reloading, reloadAgain bool
	settleAt               time.Time // when to look whether workers with the old application still accept
	askers, asking         []int     // sockets of processes that wait for the next reload, and for the one under way
}

// grow has as many workers made as there should be.
func (k *keeper) grow() {
	orphaned := k.cfg.Preload && k.parent == nil
	switch {
	case k.count >= k.cfg.Workers && !orphaned, k.loading, k.now.Before(k.again):
		return
	case k.trouble != nil && k.count == 0 && k.waiting() == nil:
		return // not before the next request
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
			return // it has ended, which is about to be noticed
		}
		if err != nil {
			k.noWorker(&outcome.Problem{Kind: outcome.Busy, Text: err.Error()})
			return
		}
		k.count++
	}
}

// startOne starts a worker that loads the application by itself.
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

// startParent starts what workers are forked from.
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

// adopt forks workers from p from now on, unless another application was loaded since p was started.
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

// hearParent takes a parent's reports, and tells whether there may be others.
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
	if k.parent == p { // it was killed, so there will be another one
		k.parent = nil
		k.endedUnused(p)
	}
	go func() {
		p.Close()
		k.post(func() { k.parents-- })
	}()
	return false
}

// forking is since when a worker is being forked that may take no longer than --timeout.
func (k *keeper) forking() (since time.Time, limited bool) {
	if k.parent == nil || k.cfg.Timeout <= 0 {
		return time.Time{}, false
	}
	since = k.parent.Since()
	return since, !since.IsZero()
}

// parentHangs ends what workers are forked from when it forks none.
func (k *keeper) parentHangs() {
	p := k.parent
	k.parent = nil // there will be another one, and this one is about to be heard to have ended
	for _, f := range p.Orphan() {
		if f.Problem != nil {
			k.count--
		}
	}
	k.noWorker(&outcome.Problem{Kind: outcome.Busy, Text: "no worker was forked within " + k.cfg.Timeout.String() +
		": a function that the application has given to os.register_at_fork may hang"})
	go p.Kill()
}

// dropParent has a parent end when its last worker has.
func (k *keeper) dropParent() {
	if k.parent != nil {
		k.parent.Leave()
		k.parent = nil
	}
}

// noWorker notes that no worker could be made. Requests that only a new one could serve are
// told.
func (k *keeper) noWorker(problem *outcome.Problem) {
	k.trouble = problem
	k.pause = min(max(2*k.pause, 500*time.Millisecond), 10*time.Second)
	k.again = time.Now().Add(k.pause)
	k.statusDue = true
	told := k.count == 0 && k.failQueue(problem)
	if !told { // else the log has it with the request
		k.problem(gateway.Error, problem.Text)
	}
	k.isReady() // with why there is none
}

// works notes that workers can be made.
func (k *keeper) works() { k.trouble, k.pause, k.again = nil, 0, time.Time{} }

// hopeless tells whether no worker will take a request soon.
func (k *keeper) hopeless() bool {
	return k.count == 0 && !k.loading && k.trouble != nil && time.Now().Before(k.again)
}

// why is, for the log, why there is no worker.
func (k *keeper) why() string {
	return "no worker is started before " + k.again.Format(time.TimeOnly) + ", because the last one failed: " + k.trouble.Text
}

// lastLine is the line of a traceback that has the error.
func lastLine(text string) string { return text[strings.LastIndexByte(text, '\n')+1:] }
