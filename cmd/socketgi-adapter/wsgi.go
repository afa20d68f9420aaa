package main

import (
	"os"
	"strings"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/cmd/socketgi-adapter/internal/journal"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/wsgi"
	"github.com/socketgi/socketgi/scgi/wsgi/pool"
)

// wsgi is how a process with the application is started.
func (c *config) wsgi() *wsgi.Config {
	return &wsgi.Config{App: c.app, Python: wsgi.Python{Path: c.python, Passed: c.passed}, CacheDir: c.Cache, Env: workerEnv(os.Environ()), Stderr: 2}
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

// wsgiApplication answers the one request of a single connection.
type wsgiApplication struct {
	cfg     *wsgi.Config
	timeout time.Duration
	log     *journal.Log
}

func (a wsgiApplication) Start(r *gateway.Request) (gateway.Process, *gateway.Problem) {
	cfg := *a.cfg
	cfg.Alone = true
	var logged func()
	cfg.Stderr, logged = a.log.Stderr(r.Subject)
	p, problem := cfg.Start(r.Params, r.Body, a.timeout)
	if problem != nil {
		logged()
		return nil, problem
	}
	return wsgiProcess{p, logged}, nil
}

type wsgiProcess struct {
	*wsgi.Process
	logged func() // returns when the log has all that the process wrote
}

func (p wsgiProcess) Wait() gateway.Usage {
	defer p.logged()
	return p.Process.Wait()
}

// serveWarm serves listeners by warm workers.
func (c *config) serveWarm(log *journal.Log, listeners []activation.Socket) error {
	process := c.wsgi()
	var logged func()
	process.Stderr, logged = log.WarmStderr()
	defer logged()
	records := journal.NewRecorder(log)
	defer records.Flush()
	for _, why := range c.passed {
		log.Line(gateway.Line{Priority: gateway.Warning, Text: why})
	}
	p := pool.Config{Gateway: c.gateway(log), Records: records, Process: process, FindPython: c.findsPython, Timeout: c.Timeout,
		Workers: c.Warm.Workers, MaxRequests: c.Warm.MaxRequests, MaxMemory: c.Warm.MaxMemory, Meter: c.AccessLog, Preload: c.Warm.Preload,
		Reload: c.Warm.Reload, WarmPath: c.Warm.Path, IdleExit: c.IdleExit, Backlog: c.Backlog}
	return p.Serve(listeners)
}
