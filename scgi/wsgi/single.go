package wsgi

import (
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/internal/child"
)

// Single is a process that loads the application and serves one request.
type Single struct {
	*Worker
	params   []scgi.Header
	body     scgi.Body
	timeout  time.Duration
	deadline time.Time // zero: none
	passed   []string
}

// StartSingle starts a process for a request, whose variables are params
// ([scgi.Request.Params]); the body's file, if there is one, stays the caller's. The request
// and the process may take timeout; 0: for ever.
func StartSingle(cfg *Config, params []scgi.Header, body scgi.Body, timeout time.Duration) (*Single, *child.Problem) {
	s := &Single{params: params, body: body, timeout: timeout, passed: cfg.Passed}
	if timeout > 0 {
		s.deadline = time.Now().Add(timeout)
	}
	var err error
	if s.Worker, err = Start(cfg); err != nil {
		return nil, child.NotStarted(err)
	}
	// What isn't needed to start the process is done while it starts.
	child.AdoptOrphans()
	return s, nil
}

// Serve has the process answer on the connection, as [Worker.Serve] does.
func (s *Single) Serve(conn int) child.Result {
	res := s.Worker.Serve(s.params, s.body, conn, s.timeout)
	if p := res.Problem; p != nil && strings.Contains(p.Text, "ModuleNotFoundError: ") {
		// It may be in an environment that wasn't used.
		p.Text = strings.Join(append(s.passed[:len(s.passed):len(s.passed)], p.Text), "\n")
	}
	return res
}

// Wait waits for the end of the process. What the application still does - atexit, its
// threads - has the rest of its time; then it is killed.
func (s *Single) Wait() child.Usage { return s.Worker.Wait(s.deadline) }
