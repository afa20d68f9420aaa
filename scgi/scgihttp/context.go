package scgihttp

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/socketgi/socketgi/scgi"
)

// requestContext is the context of one request. It is cancelled when the web server
// closes the connection, when the response can't be written, and when the request is
// over. Most handlers never ask, so nothing watches the connection before Done or Err
// is called.
type requestContext struct {
	parent context.Context // of ConnContext
	req    *scgi.Request
	socket string
	local  net.Addr

	mu      sync.Mutex
	wire    *wire // nil when the request is over
	failed  bool
	watched context.Context
	cancel  context.CancelFunc
	ended   chan struct{} // closed when the connection is no longer watched
}

// closed is for a connection that isn't watched.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// contextKey finds the requestContext.
type contextKey struct{}

func (c *requestContext) Deadline() (time.Time, bool) { return c.parent.Deadline() }
func (c *requestContext) Done() <-chan struct{}       { return c.watch().Done() }
func (c *requestContext) Err() error                  { return c.watch().Err() }

func (c *requestContext) Value(key any) any {
	switch key {
	case contextKey{}:
		return c
	case http.LocalAddrContextKey:
		return c.local
	}
	c.mu.Lock()
	watched := c.watched
	c.mu.Unlock()
	if watched != nil {
		return watched.Value(key) // by which package context finds its own
	}
	return c.parent.Value(key)
}

// watch starts to watch the connection.
func (c *requestContext) watch() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.watched != nil {
		return c.watched
	}
	c.watched, c.cancel = context.WithCancel(c.parent)
	if c.wire == nil || c.failed {
		c.ended = closed
		c.cancel()
		return c.watched
	}
	c.ended = make(chan struct{})
	go func(w *wire) {
		if w.waitGone() {
			c.cancel()
		}
		close(c.ended)
	}(c.wire)
	return c.watched
}

// fail cancels the context because the response can't be written.
func (c *requestContext) fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = true
	if c.watched != nil {
		c.cancel()
	}
}

// end cancels the context. The connection isn't watched any more when it returns.
func (c *requestContext) end() {
	c.mu.Lock()
	w := c.wire
	c.wire = nil
	watched := c.watched != nil
	c.mu.Unlock()
	if w != nil && watched { // without a wire, watching can't start any more
		w.stopWaiting(c.ended)
		c.cancel()
	}
}
