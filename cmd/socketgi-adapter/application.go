package main

import (
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/cgi"
	"github.com/socketgi/socketgi/scgi/child"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// application is what answers requests.
type application interface {
	// start starts a process that answers the request. Its log is standard error, or
	// what the request makes of it.
	start(r *request, params []scgi.Header, body scgi.Body) (worker, *child.Problem)
}

// worker is a process that answers a request.
type worker interface {
	// serve answers. The worker is gone when the response is not whole.
	serve(conn int) child.Result
	// wait waits for its end, and kills it when its time is up.
	wait() child.Usage
	// Signal sends a signal to all that belongs to the worker.
	Signal(syscall.Signal)
	Close()
}

// application returns what the command line names, for a single connection or for
// many.
func (c *config) application(wrong error, single bool) application {
	switch {
	case wrong != nil:
		c.concurrency = 0
		return misconfigured{wrong}
	case c.cgi != nil:
		c.cgi.Env, c.cgi.Alone = os.Environ(), single
		return cgiApplication{c.cgi}
	}
	return wsgiApplication{c.wsgi(single), c.passed}
}

// wsgi is how workers are started.
func (c *config) wsgi(single bool) *wsgi.Config {
	return &wsgi.Config{App: c.app, Python: c.python, CacheDir: c.cacheDir, Env: workerEnv(os.Environ()), Stderr: 2, Alone: single}
}

// misconfigured answers that it is not set up.
type misconfigured struct{ why error }

func (m misconfigured) start(*request, []scgi.Header, scgi.Body) (worker, *child.Problem) {
	return nil, &child.Problem{Kind: child.Failed, Text: m.why.Error()}
}

type wsgiApplication struct {
	cfg    *wsgi.Config
	passed []string
}

type wsgiWorker struct {
	*wsgi.Worker
	params   []scgi.Header
	body     scgi.Body
	timeout  time.Duration
	deadline time.Time
	passed   []string
	logged   func() // returns when the log has all that the worker said
}

func (a wsgiApplication) start(r *request, params []scgi.Header, body scgi.Body) (worker, *child.Problem) {
	cfg := *a.cfg
	w := &wsgiWorker{params: params, body: body, timeout: r.cfg.timeout, passed: a.passed}
	cfg.Stderr, w.logged = r.log.stderr(r)
	if w.timeout > 0 {
		w.deadline = time.Now().Add(w.timeout)
	}
	var err error
	if w.Worker, err = wsgi.Start(&cfg); err != nil {
		w.logged()
		return nil, child.NotStarted(err)
	}
	// What isn't needed to start the worker is done while it starts.
	child.AdoptOrphans()
	return w, nil
}

func (w *wsgiWorker) serve(conn int) child.Result {
	res := w.Serve(w.params, w.body, conn, w.timeout)
	if p := res.Problem; p != nil && strings.Contains(p.Text, "ModuleNotFoundError: ") {
		// It may be in an environment that wasn't used.
		p.Text = strings.Join(append(w.passed[:len(w.passed):len(w.passed)], p.Text), "\n")
	}
	return res
}

// wait gives what the application still does - atexit, its threads - the rest of its
// time.
func (w *wsgiWorker) wait() child.Usage {
	usage := w.Wait(w.deadline)
	w.logged()
	return usage
}

// workerEnv is the unit's environment without what is said of the connection:
// the address that systemd gives for it is the web server's.
func workerEnv(env []string) []string {
	kept := env[:0:0]
	for _, e := range env {
		if name, _, _ := strings.Cut(e, "="); name != "REMOTE_ADDR" && name != "REMOTE_PORT" {
			kept = append(kept, e)
		}
	}
	return kept
}

type cgiApplication struct{ cfg *cgi.Config }

type cgiWorker struct {
	*cgi.Program
	lines *child.Lines
	left  func(int64)
}

func (a cgiApplication) start(r *request, params []scgi.Header, body scgi.Body) (worker, *child.Problem) {
	p, err := a.cfg.Start(params, body)
	if err != nil {
		return nil, cgi.ProblemOf(err)
	}
	if a.cfg.Alone {
		child.AdoptOrphans()
	}
	p.Log = r.log.lines(r)
	return &cgiWorker{p, p.Log, func(n int64) { r.log.leftOut(r, n) }}, nil
}

func (w *cgiWorker) serve(conn int) child.Result { return w.Serve(conn) }

func (w *cgiWorker) wait() child.Usage {
	usage := w.Wait()
	if w.lines.Left > 0 {
		w.left(w.lines.Left)
	}
	return usage
}
