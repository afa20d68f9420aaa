package wsgi

import (
	"errors"
	"os"
	"time"

	"github.com/socketgi/socketgi/scgi/internal/child"
	"golang.org/x/sys/unix"
)

// Check has the worker load the application and no job, for at most timeout, and says
// what is wrong with it, nil if nothing. The worker has ended then.
func (w *Worker) Check(timeout time.Duration) *child.Problem {
	deadline := time.Now().Add(timeout)
	_ = unix.Shutdown(w.fd, unix.SHUT_WR) // there is no job, and there will be none
	var res Report
	done, alive := w.await(&res, deadline)
	if alive && !done {
		w.Kill()
		return &child.Problem{Kind: child.Timeout, Text: "it was not loaded after " + timeout.String()}
	}
	usage := w.Wait(deadline)
	w.KillGroup()
	if res.Problem == nil && !done {
		res.Problem = &child.Problem{Kind: child.Died, Text: "while it was loaded its process " + usage.Ending()}
	}
	return res.Problem
}

// slowest is how long an application may take to be loaded that may take as long as it
// wants to answer.
const slowest = 5 * time.Minute

// Check loads the application without a request, for at most timeout (0: 5 minutes), and
// returns what is wrong with it. It fills the cache.
func (c *Config) Check(timeout time.Duration) error {
	if timeout == 0 {
		timeout = slowest
	}
	child.AdoptOrphans()
	// What Python writes the first time - .pyc files next to modules - changes folders,
	// of which the cache speaks. The second or third time nothing new is found.
	for range 3 {
		before := c.cached()
		w, err := Start(c)
		if err != nil {
			return err
		}
		problem := w.Check(timeout)
		w.Close()
		if problem != nil {
			return errors.New(problem.Text)
		}
		if c.cached() == before {
			return nil
		}
	}
	return nil
}

// cached tells when something was written to the cache.
func (c *Config) cached() time.Time {
	info, err := os.Stat(c.CacheDir)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
