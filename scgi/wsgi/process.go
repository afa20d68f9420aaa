package wsgi

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/socketgi/socketgi/scgi/wsgi/internal/worker"
)

// The interfaces of an application.
const (
	WSGI = "wsgi" // PEP 3333
	ASGI = "asgi" // https://asgi.readthedocs.io/en/latest/specs/main.html
)

// Config says how a process with the application is started.
type Config struct {
	// App is what it loads.
	App App
	// Python runs it: CPython 3.8 or later, or PyPy 3.
	Python string
	// Passed are sentences about virtual environments that Python is not of ([FindPython]):
	// [Process.Serve] puts them before a ModuleNotFoundError.
	Passed []string
	// CacheDir is a directory where the process keeps what it needs to start faster next time;
	// "": none. It must belong to the user of the process or to root: code is loaded from it.
	CacheDir string
	// Env is the whole environment of the process, each NAME=VALUE, but for REMOTE_ADDR and
	// REMOTE_PORT, which systemd sets to the address of the web server.
	Env []string
	// Stderr is the descriptor of the log, 2 for that of this process. The standard output goes there, too: what an
	// application prints is never part of a response.
	Stderr int
	// SendTimeout is how long the web server may read nothing of a response; 0: for ever.
	SendTimeout time.Duration
	// MaxMessage is the largest message of a WebSocket that is received, in bytes; 0: any.
	MaxMessage int64
	// Interface is what the application is called by: [WSGI], [ASGI], or "" for what it looks like.
	Interface string
	// Alone: this process has no other children, and will have none meanwhile. What
	// the application leaves behind is then found and killed, even in a session of its own.
	Alone bool
}

func (c *Config) worker() *worker.Config {
	return &worker.Config{App: worker.App(c.App), Python: c.Python, CacheDir: c.CacheDir, Env: c.Env, Stderr: c.Stderr, Interface: c.Interface, MaxMessage: c.MaxMessage, Alone: c.Alone}
}

// Process is a process that loads the application and serves one request.
type Process struct {
	worker   *worker.Single
	params   []scgi.Header
	body     scgi.Body
	timeout  time.Duration
	patience time.Duration
	deadline time.Time // zero: none
	passed   []string
}

// Start starts a process for a request, whose variables are params ([scgi.Request.Params]);
// the file of the body, if there is one, stays the caller's. The request and the process may
// take timeout; 0: for ever. Start makes this process the parent of orphaned descendants
// (PR_SET_CHILD_SUBREAPER in prctl(2)).
func (c *Config) Start(params []scgi.Header, body scgi.Body, timeout time.Duration) (*Process, *outcome.Problem) {
	p := &Process{params: params, body: body, timeout: timeout, patience: c.SendTimeout, passed: c.Passed}
	if timeout > 0 {
		p.deadline = time.Now().Add(timeout)
	}
	var err error
	if p.worker, err = worker.Start(c.worker()); err != nil {
		return nil, child.NotStarted(err)
	}
	// What isn't needed to start the process is done while it starts.
	child.AdoptOrphans()
	return p, nil
}

// Serve has the process answer on the connection, whose descriptor stays the caller's, and
// returns when the response is over. When that has a Problem of kind [outcome.Died] or
// [outcome.Timeout] the process and its children are gone.
func (p *Process) Serve(conn int) outcome.Result {
	res := p.worker.Serve(p.params, p.body, conn, p.timeout, p.patience)
	if wrong := res.Problem; wrong != nil && strings.Contains(wrong.Text, "ModuleNotFoundError: ") {
		// It may be in an environment that wasn't used.
		wrong.Text = strings.Join(append(p.passed[:len(p.passed):len(p.passed)], wrong.Text), "\n")
	}
	return res
}

// Wait waits for the end of the process. What the application still does - atexit, its
// threads - has the rest of its time; then it is killed.
func (p *Process) Wait() outcome.Usage { return p.worker.Wait(p.deadline) }

// Signal sends a signal to the process group.
func (p *Process) Signal(sig syscall.Signal) { p.worker.Signal(sig) }

// Close frees what the process takes in this one. It must have ended.
func (p *Process) Close() { p.worker.Close() }

// slowest is how long an application may take to be loaded that may take as long as it
// wants to answer.
const slowest = 5 * time.Minute

// Check loads the application without a request, for at most timeout (0: 5 minutes), and
// returns its interface, [WSGI] or [ASGI], or what is wrong with it. It fills the cache.
func (c *Config) Check(timeout time.Duration) (iface string, err error) {
	if timeout == 0 {
		timeout = slowest
	}
	child.AdoptOrphans()
	// What Python writes the first time - .pyc files next to modules - may change folders
	// of which the cache speaks. Then it is loaded once or twice more, until nothing new is found.
	for range 3 {
		before := c.cached()
		w, err := worker.Start(c.worker())
		if err != nil {
			return "", err
		}
		rep := w.Load(timeout)
		w.Close()
		if rep.Problem != nil {
			return "", errors.New(rep.Problem.Text)
		}
		if iface = rep.Interface; rep.Settled || c.cached() == before {
			break
		}
	}
	return iface, nil
}

// cached tells when something was written to the cache.
func (c *Config) cached() time.Time {
	info, err := os.Stat(c.CacheDir)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// IsCacheFile tells whether a file is named as those that are kept in [Config.CacheDir].
func IsCacheFile(name string) bool { return worker.IsCacheFile(name) }
