package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi-adapter/internal/passwd"
	"github.com/socketgi/socketgi/scgi/cgi"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// config is the command line, resolved on this machine.
type config struct {
	adapter.Options
	app         wsgi.App
	python      string
	findsPython bool        // not given on the command line
	passed      []string    // virtual environments that are not used, with reasons
	cgi         *cgi.Config // nil: a WSGI application
	peers       gateway.Peers
}

// parseFlags reads the command line. With an error it returns the values before the mistake.
func parseFlags(args []string) (*config, error) {
	o, err := adapter.Parse(args)
	c := &config{Options: o}
	switch {
	case err != nil: // its page must not be served to strangers
		o = adapter.Read(args)
		_ = c.resolvePeers(&o)
		return c, err
	case o.Version || o.AskReload != 0:
		return c, nil
	}
	return c, c.resolve()
}

// resolvePeers resolves the allowed users.
func (c *config) resolvePeers(o *adapter.Options) (err error) {
	if o.AllowUIDs == nil && o.AllowUsers == nil {
		return nil
	}
	c.peers, err = passwd.UIDs("/etc/passwd", o.AllowUsers)
	c.peers = append(c.peers, o.AllowUIDs...)
	return err
}

// resolve resolves values that depend on this machine.
func (c *config) resolve() (err error) {
	if err = c.resolvePeers(&c.Options); err != nil {
		return err
	}
	if c.Cache, err = directory(c.Cache, "CACHE_DIRECTORY"); err != nil {
		return err
	}
	if c.Slots, err = directory(c.Slots, "RUNTIME_DIRECTORY"); err != nil {
		return err
	}
	if c.Slots == "" {
		c.Slots = c.Cache
	}
	c.Mount = strings.TrimRight(c.Mount, "/")
	if c.Warm.Workers == 0 {
		c.Warm.Workers = runtime.NumCPU()
	}
	if !c.WSGI() {
		return c.resolveCGI()
	}
	if c.app, err = wsgi.ParseApp(c.Operands[0]); err != nil {
		return err
	}
	if c.python, c.findsPython = c.Python, c.Python == ""; c.findsPython {
		var passed []wsgi.Venv
		c.python, passed, err = wsgi.FindPython(c.app)
		for _, v := range passed {
			c.passed = append(c.passed, adapter.PassedOver(v.Reason, v.Python))
		}
	}
	return err
}

func (c *config) resolveCGI() error {
	c.cgi = &cgi.Config{Root: c.CGI.Root, Targets: c.CGI.Targets, NPH: c.CGI.NPH, Index: c.CGI.Index,
		TargetHint: adapter.TargetHint,
		Limits:     cgi.Limits{Timeout: c.Timeout, SendTimeout: c.SendTimeout, IdleTimeout: c.CGI.IdleTimeout, HeadBytes: c.CGI.HeadBytes}}
	if c.CGI.Program {
		c.cgi.Program, c.cgi.Args = c.Operands[0], c.Operands[1:]
	}
	return c.cgi.Resolve()
}

// checkSingle has the checks for single connections.
func (c *config) checkSingle() error {
	if c.Concurrency > 0 && c.Slots == "" {
		return errors.New("--concurrency needs a directory for slots: set RuntimeDirectory= in the unit, or use --slots DIR")
	}
	return nil
}

// directory is the absolute path of a directory, as the application may change the working directory.
// Without a value it is the first one of CacheDirectory= or RuntimeDirectory=.
func directory(value, variable string) (string, error) {
	if value == "" {
		value = os.Getenv(variable)
	}
	if value, _, _ = strings.Cut(value, ":"); value == "" {
		return "", nil
	}
	return filepath.Abs(value)
}
