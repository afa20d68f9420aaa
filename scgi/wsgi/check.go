package wsgi

import (
	"time"

	"github.com/socketgi/socketgi/scgi/child"
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
