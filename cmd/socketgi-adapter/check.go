package main

import (
	"errors"
	"os"
	"time"

	"github.com/socketgi/socketgi/scgi/child"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// slowest is how long an application may take to be loaded that may take as long as it
// wants to answer.
const slowest = 5 * time.Minute

// check loads the application as a request would, and says what Python runs it, and on
// standard error what is wrong (--check).
func check(cfg *config, wrong error) int {
	status := exitConfig
	if wrong == nil {
		status, wrong = exitServe, cfg.tryOut()
	}
	if wrong != nil {
		_, _ = os.Stderr.WriteString(wrong.Error() + "\n")
		return status
	}
	return exitOK
}

func (c *config) tryOut() error {
	if c.cgi != nil {
		return c.cgi.Check()
	}
	for _, why := range c.passed {
		_, _ = os.Stdout.WriteString(why + "\n")
	}
	_, _ = os.Stdout.WriteString("Python: " + c.python + "\n")
	timeout := c.timeout
	if timeout == 0 {
		timeout = slowest
	}
	child.AdoptOrphans()
	// What Python writes the first time - .pyc files next to modules - changes folders,
	// of which the cache speaks. The second or third time nothing new is found.
	for range 3 {
		before := c.cached()
		w, err := wsgi.Start(&wsgi.Config{App: c.app, Python: c.python, CacheDir: c.cacheDir, Env: workerEnv(os.Environ()), Stderr: 2, Alone: true})
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
func (c *config) cached() time.Time {
	info, err := os.Stat(c.cacheDir)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
