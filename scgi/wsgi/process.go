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

// Config configures the process of an application.
type Config struct {
	// App is the application.
	App App
	// Python is the path of the interpreter: CPython 3.8 or later, or PyPy 3.
	Python string
	// Passed are sentences about virtual environments that are not used ([FindPython]).
	// [Process.Serve] puts them before a ModuleNotFoundError.
	Passed []string
	// CacheDir is a directory for files with which the process starts faster; "": none. It must belong
	// to the user of the process or to root, because the process loads code from it.
	CacheDir string
	// Env is the complete environment of the process, as NAME=VALUE. REMOTE_ADDR and REMOTE_PORT are
	// removed: systemd sets them to the address of the web server.
	Env []string
	// Stderr is the descriptor for standard error and standard output, such as 2: print() is never part of
	// a response.
	Stderr int
	// SendTimeout limits the time in which the web server reads nothing of a response; 0: no limit.
	SendTimeout time.Duration
	// MaxMessage is the size in bytes of the largest WebSocket message that is received; 0: no limit.
	MaxMessage int64
	// Interface is the interface of the application: [WSGI], [ASGI], or "" to detect it.
	Interface string
	// Alone declares that this process has no other children. Processes that the application leaves
	// behind are then killed, even in another session.
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

// Start starts a process for a request with the variables params ([scgi.Request.Params]). The caller closes
// the file of the body. Timeout limits the request and the process; 0: no limit. Start makes this process the
// parent of orphaned descendants (PR_SET_CHILD_SUBREAPER in prctl(2)).
func (c *Config) Start(params []scgi.Header, body scgi.Body, timeout time.Duration) (*Process, *outcome.Problem) {
	p := &Process{params: params, body: body, timeout: timeout, patience: c.SendTimeout, passed: c.Passed}
	if timeout > 0 {
		p.deadline = time.Now().Add(timeout)
	}
	var err error
	if p.worker, err = worker.Start(c.worker()); err != nil {
		return nil, child.NotStarted(err)
	}
	// Done while the process starts, as it isn't needed before.
	child.AdoptOrphans()
	return p, nil
}

// Serve has the process answer on the connection, and returns at the end of the response. The caller closes the
// connection. If the result has a Problem of kind [outcome.Died] or [outcome.Timeout], the process and its
// children have ended.
func (p *Process) Serve(conn int) outcome.Result {
	res := p.worker.Serve(p.params, p.body, conn, p.timeout, p.patience)
	if res.Status == 101 && p.timeout > 0 { // a WebSocket, which can be open for longer
		p.deadline = time.Now().Add(p.timeout)
	}
	if wrong := res.Problem; wrong != nil && strings.Contains(wrong.Text, "ModuleNotFoundError: ") {
		// It may be in an environment that wasn't used.
		wrong.Text = strings.Join(append(p.passed[:len(p.passed):len(p.passed)], wrong.Text), "\n")
	}
	return res
}

// Wait waits for the end of the process: its exit handlers and threads have the rest of the timeout. Then the
// process is killed.
func (p *Process) Wait() outcome.Usage { return p.worker.Wait(p.deadline) }

// Signal sends a signal to the process group.
func (p *Process) Signal(sig syscall.Signal) { p.worker.Signal(sig) }

// Close frees the resources of the process, which must have ended.
func (p *Process) Close() { p.worker.Close() }

// slowest limits the loading of an application that has no timeout.
const slowest = 5 * time.Minute

// Check loads the application without a request, for at most timeout (0: 5 minutes), and
// returns its interface, [WSGI] or [ASGI], or what is wrong with it. It fills the cache.
func (c *Config) Check(timeout time.Duration) (iface string, err error) {
	if timeout == 0 {
		timeout = slowest
	}
	child.AdoptOrphans()
	// Python's .pyc files change folders that the cache has recorded. Then the application is loaded once
	// or twice more, until the cache is complete.
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

// cached returns the time of the last change of the cache.
func (c *Config) cached() time.Time {
	info, err := os.Stat(c.CacheDir)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// IsCacheFile reports whether name is that of a file in [Config].CacheDir.
func IsCacheFile(name string) bool { return worker.IsCacheFile(name) }
