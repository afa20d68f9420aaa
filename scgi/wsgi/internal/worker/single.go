package worker

import (
	"errors"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Single is a process that loads the application and serves one job.
type Single struct {
	*child.Process
	jobSocket
}

// Start starts such a process.
func Start(cfg *Config) (*Single, error) {
	p, err := start(cfg, once, -1)
	if err != nil {
		return nil, err
	}
	return &Single{p.Process, jobSocket{p.socket, p.PidFD()}}, nil
}

// Serve sends the worker its job and waits for the end of the response, for at most timeout (0: no
// limit), not counting the time of an open WebSocket. Params are the variables of the request ([scgi.Request.Params]); patience is that of the
// [Job]; the caller closes the file of the body. If the result has a Problem of kind [outcome.Died] or
// [outcome.Timeout], the worker and its children have ended.
func (w *Single) Serve(params []scgi.Header, body scgi.Body, conn int, timeout, patience time.Duration) outcome.Result {
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	var rep Report
	err := w.send(AppendJob(nil, &Job{Params: params, Body: body, Patience: patience}), conn, body)
	if err != nil && !errors.Is(err, unix.EPIPE) {
		w.Kill()
		rep.Problem = &outcome.Problem{Kind: outcome.Died, Text: err.Error()}
		return rep.Result
	} // EPIPE: the worker has died, and the default case below has the reason
	switch done, alive := w.awaitSocket(&rep, deadline, timeout); {
	case done:
	case alive:
		w.Kill()
		w.drain(&rep)
		text := "no end of the response after "
		if rep.switched > 1 {
			text = "the application continued after its WebSocket was closed, for "
		}
		rep.Problem = &outcome.Problem{Kind: outcome.Timeout, Text: text + outcome.FormatDuration(timeout)}
	default:
		usage := w.Wait(time.Now().Add(time.Second))
		w.KillGroup() // and processes that left it
		if rep.Problem == nil {
			rep.Problem = &outcome.Problem{Kind: outcome.Died, Text: "the worker " + ending(usage)}
		}
	}
	return rep.Result
}

// Load has the worker load the application without a job, for at most timeout, and waits for its end.
// The report has the problem, or Settled and Interface.
func (w *Single) Load(timeout time.Duration) (rep Report) {
	deadline := time.Now().Add(timeout)
	_ = unix.Shutdown(w.fd, unix.SHUT_WR) // there is no job
	done, alive := w.await(&rep, deadline)
	if alive && !done {
		w.Kill()
		return Report{Result: outcome.Result{Problem: &outcome.Problem{Kind: outcome.Timeout, Text: "the application was not loaded within " + outcome.FormatDuration(timeout)}}}
	}
	usage := w.Wait(deadline)
	w.KillGroup()
	if rep.Problem == nil && !done {
		rep.Problem = &outcome.Problem{Kind: outcome.Died, Text: "the process " + usage.Ending() + " while it loaded the application"}
	}
	return rep
}

// Close frees the resources of the worker, which must have ended.
func (w *Single) Close() {
	unix.Close(w.fd)
	w.Process.Close()
}
