package pool

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
)

// workingDir is the name of the working directory, "" if it isn't known: the application's
// folder, if it is that, because a link on the way there may lead elsewhere later.
func workingDir(app wsgi.App) string {
	here, err := os.Stat(".")
	if err != nil {
		return ""
	}
	for _, dir := range []string{filepath.Dir(app.File), app.Folder} {
		if info, err := os.Stat(dir); app.File != "" && dir != "" && err == nil && os.SameFile(info, here) {
			return dir
		}
	}
	dir, _ := os.Getwd() // $PWD, if it is right
	return dir
}

// prepare finds anew what the application's next process starts from, or returns why that
// can't be.
func (k *keeper) prepare() (*worker.Config, *outcome.Problem) {
	cfg := *k.config
	if k.dir != "" {
		if err := os.Chdir(k.dir); err != nil {
			return nil, &outcome.Problem{Kind: outcome.Failed, Text: "the working directory " + k.dir + " can't be entered: " + errors.Unwrap(err).Error()}
		}
	}
	if k.cfg.FindPython != nil {
		var err error
		if cfg.Python, err = k.cfg.FindPython(); err != nil {
			return nil, &outcome.Problem{Kind: outcome.Failed, Text: err.Error()}
		}
	}
	return &cfg, nil
}

// reload loads the application again, beside the old one, which goes on until the new one
// works, and where that doesn't, further. What the new one needs is loaded by then: what is on disk
// may be broken when the next worker is made.
func (k *keeper) reload() {
	if k.stopping != nil {
		answerAskers(k.askers, &outcome.Problem{Text: "the service is being stopped"})
		k.askers = nil
		return
	}
	if k.reloading {
		k.reloadAgain = true
		return
	}
	k.reloading = true
	k.asking, k.askers = k.askers, nil
	k.notes.send(activation.Reloading())
	cfg, problem := k.prepare()
	if problem != nil {
		k.reloaded(problem)
		return
	}
	if k.cfg.Preload {
		go k.reloadParent(cfg)
	} else {
		go k.reloadWorkers(cfg)
	}
}

// reloadParent starts a parent in the place of the old one.
func (k *keeper) reloadParent(cfg *worker.Config) {
	p, rep := worker.StartParent(cfg, k.cfg.Timeout)
	k.post(func() {
		k.loaded(rep)
		if rep.Problem == nil {
			k.replace()
			k.adopt(p, rep.Warnings, k.version)
		}
		k.reloaded(rep.Problem)
	})
}

// reloadWorkers starts workers in the place of the old ones: all of them, or none.
func (k *keeper) reloadWorkers(cfg *worker.Config) {
	var fresh []*worker.Warm
	var rep worker.Report
	for range k.cfg.Workers {
		w, one := worker.StartWarm(cfg, k.cfg.Timeout)
		rep.Files = append(rep.Files, one.Files...)
		if rep.Problem = one.Problem; rep.Problem != nil {
			break
		}
		fresh = append(fresh, w)
	}
	k.post(func() {
		k.loaded(rep)
		if rep.Problem == nil {
			k.replace()
			k.works()
			k.count = len(fresh)
		}
		for _, w := range fresh {
			version := k.version
			if rep.Problem != nil {
				version = -1 // of no use alone
			}
			k.join(w, version)
		}
		k.reloaded(rep.Problem)
	})
}

// replace has all workers end when they have done what they are at, for others to come.
func (k *keeper) replace() {
	k.version++
	k.early = 0
	k.dropParent()
	for _, m := range k.members {
		if m.since.IsZero() {
			k.leave(m)
		}
	}
	k.count = 0
}

// reloaded ends a reload.
func (k *keeper) reloaded(problem *outcome.Problem) {
	if problem != nil {
		k.problem(gateway.Error, "the application is not reloaded, and goes on as it was: "+problem.Text)
		k.reloadOver(problem)
		return
	}
	k.settle()
}

// settleInterval is how often it is looked whether a reload is over.
const settleInterval = 5 * time.Millisecond

// settle ends a reload when no worker with the old application accepts any more: those that are
// at a request do so no more, either.
func (k *keeper) settle() {
	for _, m := range k.members {
		if m.version != k.version && !m.silent && m.killed == nil && !m.State().Busy {
			k.settleAt = k.now.Add(settleInterval)
			return
		}
	}
	k.settleAt = time.Time{}
	k.cfg.Gateway.Log.Line(gateway.Line{Priority: gateway.Notice, Text: "the application is reloaded", Event: true})
	k.reloadOver(nil)
}

// reloadOver tells who has asked for a reload what became of it.
func (k *keeper) reloadOver(problem *outcome.Problem) {
	k.reloading = false
	k.notes.send(activation.Ready + "\n" + activation.Status(k.status()))
	answerAskers(k.asking, problem)
	k.asking = nil
	if k.reloadAgain {
		k.reloadAgain = false
		k.reload()
	}
}
