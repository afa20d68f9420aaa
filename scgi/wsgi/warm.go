package wsgi

import (
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/child"
	"golang.org/x/sys/unix"
)

// Warm is a worker that serves one job after the other.
type Warm struct {
	jobSocket
	pid   int
	ended chan struct{} // closed when the worker has ended, and usage is known
	usage child.Usage
}

// StartWarm starts a worker that loads the application by itself. Ready tells when
// that is done.
func StartWarm(cfg *Config) (*Warm, error) {
	p, err := start(cfg, "many")
	if err != nil {
		return nil, err
	}
	w := &Warm{jobSocket: jobSocket{p.socket, p.PidFD()}, pid: p.Pid(), ended: make(chan struct{})}
	go func() {
		w.usage = p.Wait(time.Time{})
		close(w.ended)
	}()
	return w, nil
}

// Ready waits until the worker can take a job, for at most timeout (0: for ever). Its
// error says why it never will.
func (w *Warm) Ready(timeout time.Duration) *child.Problem {
	var deadline time.Time
	if timeout > 0 {
		deadline = time.Now().Add(timeout)
	}
	var res child.Result
	switch done, alive := w.await(&res, deadline); {
	case done && res.Problem == nil:
		return nil
	case res.Problem != nil:
	case alive:
		res.Problem = &child.Problem{Kind: child.Timeout, Text: "the application was not loaded after " + timeout.String()}
	default:
		<-w.ended
		res.Problem = &child.Problem{Kind: child.Died, Text: "the worker " + ending(w.usage) + " while it loaded the application"}
	}
	w.Kill()
	return res.Problem
}

// Serve is like [Worker.Serve], and the worker is fit for another job unless the result
// has a Problem of kind [child.Died] or [child.Timeout].
func (w *Warm) Serve(params []scgi.Header, body scgi.Body, conn int, timeout time.Duration) child.Result {
	return w.serve(params, body, conn, timeout, w.Kill, func() string {
		<-w.ended
		return ending(w.usage)
	})
}

// Signal sends a signal to the worker's process group.
func (w *Warm) Signal(sig syscall.Signal) {
	select {
	case <-w.ended: // its number may be another's
	default:
		_ = syscall.Kill(-w.pid, sig)
	}
}

// Alive tells whether the worker is there.
func (w *Warm) Alive() bool {
	select {
	case <-w.ended:
		return false
	default:
		return true
	}
}

// killGrace is how long a worker may take to end by SIGTERM.
const killGrace = time.Second

// Kill ends the worker and its process group.
func (w *Warm) Kill() {
	w.Signal(syscall.SIGTERM)
	select {
	case <-w.ended:
	case <-time.After(killGrace):
		w.Signal(syscall.SIGKILL)
		<-w.ended
	}
}

// Retire ends the worker when it has nothing more to do: atexit runs, files are
// flushed. It is killed when that takes longer than grace.
func (w *Warm) Retire(grace time.Duration) child.Usage {
	_ = unix.Shutdown(w.fd, unix.SHUT_RDWR)
	select {
	case <-w.ended:
	case <-time.After(grace):
		w.Kill()
	}
	return w.usage
}

// Close frees what the worker takes in this process. It must have ended.
func (w *Warm) Close() {
	<-w.ended
	unix.Close(w.fd)
	if w.pidfd >= 0 {
		unix.Close(w.pidfd)
	}
}

// Pid is the worker's process id.
func (w *Warm) Pid() int { return w.pid }
