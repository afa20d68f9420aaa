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

// workingDir returns the path of the working directory, "" if it isn't known. For the application's
// folder, it is the path as configured: a symbolic link in it may be changed later.
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
	dir, _ := os.Getwd() // $PWD, if that is correct
	return dir
}

// prepare enters the working directory again and finds the interpreter, for the next process that
// loads the application.
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

// reload loads the application again. The previous one keeps serving until the new one is loaded, and
// also if it can't be loaded.
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

// reloadParent replaces the parent.
func (k *keeper) reloadParent(cfg *worker.Config) {
	p, rep := worker.StartParent(cfg, k.cfg.Timeout)
	var first *worker.Warm
	if rep.Problem == nil && rep.Interface == worker.ASGI { // the startup of its lifespan may fail yet
		var trial worker.Report
		first, trial = p.Trial(k.cfg.Timeout)
		rep.Files = append(rep.Files, trial.Files...)
		if rep.Problem = trial.Problem; rep.Problem != nil {
			p.Leave()
			go p.Close()
		}
	}
	k.post(func() {
		k.loaded(rep)
		if rep.Problem == nil {
			k.replace()
			k.adopt(p, rep.Warnings, k.version)
			if first != nil {
				k.count++
				k.join(first, k.version)
			}
		}
		k.reloaded(rep.Problem)
	})
}

// reloadWorkers replaces all workers, or none.
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
				version = -1 // of no current version: it leaves
			}
			k.join(w, version)
		}
		k.reloaded(rep.Problem)
	})
}

// replace begins a new version: all workers end when their requests are complete.
func (k *keeper) replace() {
	k.version++
	k.early = 0
	k.dropParent()
	for _, m := range k.members {
		k.leave(m)
	}
	k.count = 0
}

// reloaded ends a reload.
func (k *keeper) reloaded(problem *outcome.Problem) {
	if problem != nil {
		k.problem(gateway.Error, "the reload failed, and the previous application keeps running: "+problem.Text)
		k.reloadOver(problem)
		return
	}
	k.settle()
}

// settleInterval is the time between two checks whether a reload is complete.
const settleInterval = 5 * time.Millisecond

// settle completes a reload when no worker with the previous application accepts any more. A busy one
// doesn't either: it leaves after its request.
func (k *keeper) settle() {
	for _, m := range k.members {
		if s := m.State(); m.version != k.version && !m.silent && m.killed == nil && (s.Many || !s.Busy()) {
			k.settleAt = k.now.Add(settleInterval)
			return
		}
	}
	k.settleAt = time.Time{}
	k.cfg.Gateway.Log.Line(gateway.Line{Priority: gateway.Notice, Text: "the application was reloaded", Event: true})
	k.reloadOver(nil)
}

// reloadOver sends the result of a reload to the processes that wait for it.
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
