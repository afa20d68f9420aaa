package scgihttp

import (
	"context"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/socketgi/socketgi/scgi"
)

// This file serves one connection, from its first byte to its end.

// exchange has the state of one request, in one allocation. It isn't reused, because a goroutine that a
// handler leaves behind may have a reference to it.
type exchange struct {
	ctx  requestContext
	rw   response
	body requestBody
}

// serveConn answers the one request of a tracked connection.
func (s *Server) serveConn(c net.Conn, from *socket) {
	defer s.untrack(c)
	w := newWire(c)
	defer w.release()
	limits := s.limits()
	req, err := scgi.ReadHeader(w, limits)
	if err == io.EOF {
		w.conn.Close() // a probe: connected and closed
		return
	}
	var r *http.Request
	if err == nil {
		r, err = newRequest(req)
	}
	if err == nil {
		err = req.ReadBody(w, limits)
	}
	if err != nil {
		s.refuse(w, err)
		return
	}

	ctx := context.Background()
	if s.ConnContext != nil {
		ctx = s.ConnContext(ctx, c)
		if ctx == nil {
			panic("scgihttp: ConnContext returned nil")
		}
	}
	x := &exchange{}
	x.ctx = requestContext{parent: ctx, req: req, socket: from.name, local: c.LocalAddr(), wire: w}
	r.Body = http.NoBody
	if req.ContentLength > 0 {
		x.body.set(req.Body)
		r.Body = &x.body
		defer x.body.Close()
	}
	r = r.WithContext(&x.ctx)
	x.rw = response{srv: s, req: r, ctx: &x.ctx, wire: w, header: make(http.Header), length: -1}
	w.most = s.sendTimeout()
	if s.WriteTimeout > 0 {
		w.setWriteDeadline(time.Now().Add(s.WriteTimeout))
	}

	defer func() { // even if the handler ends the goroutine
		x.ctx.end()
		x.rw.wire = nil
		if x.rw.whole {
			w.finish(from.shared)
		} else {
			w.cut()
		}
	}()
	s.handle(&x.rw, r)
}

// handle calls the handler. Afterwards, rw.whole is true if the response is complete.
func (s *Server) handle(rw *response, r *http.Request) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover() // nil if the handler has ended the goroutine
		if v == http.ErrAbortHandler {
			return
		}
		s.logf("scgihttp: panic serving %s %s for %s: %v\n%s", r.Method, r.URL.Path, r.RemoteAddr, v, debug.Stack())
		rw.fail()
	}()
	h := s.Handler
	if h == nil {
		h = http.DefaultServeMux
	}
	h.ServeHTTP(rw, r)
	returned = true
	rw.finish()
}

// refuse answers an invalid request without a handler.
func (s *Server) refuse(w *wire, err error) {
	status, text := scgi.Refusal(err)
	header := ""
	if status == http.StatusServiceUnavailable {
		header = scgi.RetryAfter
	}
	s.logf("scgihttp: request refused with %d: %v", status, err)
	_ = w.conn.SetWriteDeadline(time.Now().Add(linger))
	_, _ = w.conn.Write(scgi.AppendError(nil, status, header, text)) // an error means that the peer has closed the connection
	w.drain()
}
