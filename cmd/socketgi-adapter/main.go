// Command socketgi-adapter is the command of ExecStart=: it receives a connection from systemd, inetd or
// xinetd, decodes the SCGI request in it, and has an application answer.
package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/activation"
	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/internal/oserror"
	"github.com/socketgi/socketgi/cmd/internal/version"
	"github.com/socketgi/socketgi/cmd/socketgi-adapter/internal/journal"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/wsgi/pool"
)

// Exit statuses. A request that was answered, even with an error, is a success.
const (
	exitOK     = 0
	exitServe  = 1 // no socket, or an invalid one
	exitConfig = 2 // invalid command line
)

func main() { os.Exit(run()) }

func run() int {
	cfg, flagErr := parseFlags(os.Args[1:])
	switch {
	case errors.Is(flagErr, flag.ErrHelp):
		adapter.Help(os.Stdout)
		return exitOK
	case flagErr == nil && cfg.Version:
		os.Stdout.WriteString(adapter.Program + " " + version.Release() + " (commit " + version.Commit() + ")\n")
		return exitOK
	case flagErr == nil && cfg.AskReload != 0:
		return askReload(cfg.AskReload)
	case cfg.Check:
		return check(cfg, flagErr)
	}
	return serve(cfg, flagErr)
}

// askReload reloads the application of the adapter with that process id.
func askReload(pid int) int {
	if err := pool.AskReload(pid); err != nil {
		_, _ = os.Stderr.WriteString("the reload failed: " + oserror.Text(err) + "\n")
		return exitServe
	}
	return exitOK
}

// check loads the application as for a request, and prints its Python and its interface, and errors on
// standard error.
func check(cfg *config, flagErr error) int {
	status, err := exitConfig, flagErr
	if err == nil {
		status, err = exitServe, cfg.checkApplication()
	}
	if err != nil {
		_, _ = os.Stderr.WriteString(oserror.Text(err) + "\n")
		return status
	}
	return exitOK
}

func (c *config) checkApplication() error {
	if c.cgi != nil {
		return c.cgi.Check()
	}
	for _, why := range c.passed {
		_, _ = os.Stdout.WriteString(why + "\n")
	}
	_, _ = os.Stdout.WriteString("Python: " + c.python + "\n")
	worker := c.wsgi()
	worker.Alone = true
	iface, err := worker.Check(c.Timeout)
	if err == nil {
		_, _ = os.Stdout.WriteString(adapter.InterfaceLine + strings.ToUpper(iface) + "\n")
	}
	return err
}

// serve serves the sockets passed to this process. Clients get a response even if the command line is
// invalid; the reason is in the log.
func serve(cfg *config, flagErr error) int {
	handed, err := activation.Receive()
	fd := -1
	if err == nil && handed.Connection != nil {
		fd = handed.Connection.FD
	}
	log := journal.Open(fd)
	log.Quiet = !cfg.AccessLog
	defer log.Close()
	if flagErr == nil && fd >= 0 {
		flagErr = cfg.checkSingle()
	}
	if flagErr != nil && fd < 0 { // with a connection it is logged with the request
		log.Failure("socketgi-adapter: " + oserror.Text(flagErr))
	}
	switch {
	case errors.Is(err, activation.ErrNothing) && flagErr == nil:
		log.Failure("socketgi-adapter serves a socket that a systemd socket unit passes, " +
			"and received none; to try an application: socketgi dev " + strings.Join(os.Args[len(os.Args)-1:], " "))
		return exitServe
	case errors.Is(err, activation.ErrNothing):
		return exitConfig
	case err != nil:
		log.Failure("socketgi-adapter: " + oserror.Text(err))
		return exitServe
	}
	if fd >= 0 {
		cfg.serveConnection(log, flagErr, fd)
	} else if err := cfg.serveListeners(log, flagErr, handed.Listeners); err != nil {
		log.Failure("socketgi-adapter: " + oserror.Text(err))
		return exitServe
	}
	if flagErr != nil {
		return exitConfig
	}
	return exitOK
}

// serveConnection serves the one connection of an Accept=yes socket, or of inetd.
func (c *config) serveConnection(log *journal.Log, flagErr error, fd int) {
	if c.cgi != nil {
		c.cgi.Alone = true
	}
	queue := gateway.Unlimited
	if c.Concurrency > 0 && flagErr == nil {
		queue = gateway.Slots{Path: filepath.Join(c.Slots, adapter.SlotsFile), FirstSlot: adapter.FirstSlot,
			FirstTicket: adapter.FirstTicket, N: c.Concurrency}
	}
	c.gateway(log).ServeConnection(fd, c.application(log, flagErr), queue)
}

// serveListeners serves the sockets of an Accept=no unit.
func (c *config) serveListeners(log *journal.Log, flagErr error, listeners []activation.Socket) error {
	if flagErr == nil && c.cgi == nil {
		return c.serveWarm(log, listeners)
	}
	queue := gateway.Unlimited
	if c.Concurrency > 0 && flagErr == nil {
		queue = gateway.Places(c.Concurrency)
	}
	s := gateway.Server{Config: c.gateway(log), Application: c.application(log, flagErr), Queue: queue, IdleExit: c.IdleExit, Backlog: c.Backlog}
	return s.Serve(listeners)
}

// application starts a process for each request.
func (c *config) application(log *journal.Log, flagErr error) gateway.Application {
	switch {
	case flagErr != nil:
		return gateway.Broken{Reason: errors.New(oserror.Text(flagErr))}
	case c.cgi != nil:
		c.cgi.Env = os.Environ()
		return cgiApplication{c.cgi, log}
	}
	return wsgiApplication{c.wsgi(), c.Timeout, log}
}

// gateway is the configuration for all requests.
func (c *config) gateway(log *journal.Log) *gateway.Config {
	return &gateway.Config{Peers: c.peers, Limits: c.Limits, Mount: c.Mount, QueueTimeout: c.QueueTimeout, SendTimeout: c.SendTimeout,
		Debug: c.Debug, IDHeader: adapter.RequestIDHeader, ProbeVariable: adapter.ProbeVariable, Explain: explain, Log: log}
}
