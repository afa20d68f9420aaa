package gateway

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi/outcome"
)

// stopper ends processes when the unit is stopped.
type stopper interface {
	// watch registers a process.
	watch(Process) (stopped *stopped, forget func())
}

// stopped becomes true when a process was told to end.
type stopped struct{ atomic.Bool }

// explain marks the result of a process that was told to end. systemd signals all processes of a unit at
// once: it may have died before this process received the signal.
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

// terminator forwards SIGTERM, and lets this process answer the client of a stopped unit.
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

// ServeConnection answers the request of the connection fd, and returns when it is logged. SIGTERM ends
// the process that answers.
func (c *Config) ServeConnection(fd int, app Application, q Queue) {
	r := c.NewRequest(fd, time.Now())
	r.serve(app, q, terminator{})
}
