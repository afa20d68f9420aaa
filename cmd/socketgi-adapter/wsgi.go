package main

import (
	"os"
	"time"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi-adapter/internal/journal"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi"
	"github.com/socketgi/socketgi/scgi/wsgi/pool"
)

// wsgi is the configuration of the application's processes.
func (c *config) wsgi() *wsgi.Config {
	return &wsgi.Config{App: c.app, Python: c.python, Passed: c.passed, CacheDir: c.Cache, Env: os.Environ(), Stderr: 2, SendTimeout: c.SendTimeout, MaxMessage: c.MaxMessage, Interface: c.iface()}
}

// iface is the interface of the application, "" to detect it.
func (c *config) iface() string {
	if c.Interface == adapter.InterfaceAuto {
		return ""
	}
	return c.Interface
}

// wsgiApplication answers the request of a single connection.
type wsgiApplication struct {
	cfg     *wsgi.Config
	timeout time.Duration
	log     *journal.Log
}

func (a wsgiApplication) Start(r *gateway.Request) (gateway.Process, *outcome.Problem) {
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
	logged func() // returns when all output of the process is logged
}

func (p wsgiProcess) Wait() outcome.Usage {
	defer p.logged()
	return p.Process.Wait()
}

// serveWarm serves listeners by warm workers.
func (c *config) serveWarm(log *journal.Log, listeners []activation.Socket) error {
	stderr, logged := log.WarmStderr(pool.CutMark)
	defer logged()
	records := journal.NewRecorder(log)
	defer records.Flush()
	for _, why := range c.passed {
		log.Line(gateway.Line{Priority: gateway.Warning, Text: why})
	}
	p := pool.Config{Gateway: c.gateway(log), Records: records, App: c.app, Python: c.python, CacheDir: c.Cache, Env: os.Environ(), Stderr: stderr, Marks: stderr != 2,
		Timeout: c.Timeout, Workers: c.Warm.Workers, Concurrency: c.Concurrency, MaxMessage: c.MaxMessage, Interface: c.iface(), MaxRequests: c.Warm.MaxRequests, MaxMemory: c.Warm.MaxMemory, Record: c.AccessLog,
		Preload: c.Warm.Preload, Reload: c.Warm.Reload, WarmPath: c.Warm.Path, IdleExit: c.IdleExit, Backlog: c.Backlog}
	if c.findsPython {
		p.FindPython = func() (string, error) {
			path, _, err := wsgi.FindPython(c.app)
			return path, err
		}
	}
	return p.Serve(listeners)
}
