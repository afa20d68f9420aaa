package gateway

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
)

// stopper ends processes when the unit is being stopped.
type stopper interface {
	// watch begins to watch over a process.
	watch(Process) (stopped *stopped, forget func())
}

// stopped becomes true when a process was told to end.
type stopped struct{ atomic.Bool }

// explain has a result tell that the process was told to end. systemd tells all processes of
// a unit at once, so it may have died of it before this process knows.
func (s *stopped) explain(res outcome.Result) outcome.Result {
	if res.Problem != nil && res.Problem.Kind == outcome.Died {
		for end := time.Now().Add(50 * time.Millisecond); !s.Load() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}
	if s.Load() {
		res.Problem = res.Problem.Stopped()
	}
	return res
}

// terminator passes SIGTERM on: the client of a unit that is stopped is answered by this
// process, which so outlives the one that it started.
type terminator struct{}

func (terminator) watch(p Process) (*stopped, func()) {
	var s stopped
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		s.Store(true)
		p.Signal(syscall.SIGTERM)
	}()
	return &s, func() {}
}

// ServeConnection answers the one request of the connection fd, which this process was
// handed, and returns when that is logged. A SIGTERM meanwhile ends the process that
// answers.
func (c *Config) ServeConnection(fd int, app Application, q Queue) {
	r := c.NewRequest(fd, time.Now())
	r.serve(app, q, terminator{})
}
