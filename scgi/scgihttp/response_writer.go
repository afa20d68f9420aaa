package scgihttp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi"
)

// errOver is the error of a write after the handler has returned.
var errOver = errors.New("scgihttp: the request is over")

// response is the http.ResponseWriter of one request. WriteHeader writes the head into wire.head, so that later
// changes of the header have no effect. It is sent when the body exceeds wire.body, with a Flush, or at the
// end, when the length of the body is known.
//
// It has no Hijack, because the connection isn't the client's.
type response struct {
	srv  *Server
	req  *http.Request
	ctx  *requestContext
	wire *wire // nil when the handler has returned

	header http.Header
	status int   // 0 before WriteHeader
	sent   bool  // the head has been sent
	length int64 // the handler's Content-Length, or -1
	wrote  int64 // bytes that the handler has written
	whole  bool  // the complete response has been sent

	ended  bool  // the handler has written all of it
	noType bool  // Content-Type is not to be guessed
	err    error // of the connection
}

func (r *response) Header() http.Header { return r.header }

// WriteHeader fixes the head. An informational status (1xx) is dropped: a CGI response has one head, and only
// the web server sends informational responses.
func (r *response) WriteHeader(code int) {
	switch {
	case code < 100 || code > 999: // as in net/http
		panic("scgihttp: invalid WriteHeader code " + strconv.Itoa(code))
	case r.wire == nil:
		r.srv.logf("scgihttp: WriteHeader after the handler has returned")
		return
	case r.status != 0:
		_, file, line, _ := runtime.Caller(1)
		r.srv.logf("scgihttp: superfluous WriteHeader(%d) at %s:%d", code, file, line)
		return
	case code < 200:
		return
	}
	r.status = code
	r.length = r.contentLength()
	h := r.header
	_, r.noType = h["Content-Type"]
	r.noType = r.noType || h.Get("Content-Encoding") != "" || !r.bodyAllowed()
	head := appendStatus(r.wire.head[:0], code)
	r.wire.head = appendHeader(head, h, r.suppressed, &r.wire.keys)
	if r.length >= 0 {
		r.wire.head = appendLength(r.wire.head, r.length)
	}
}

// contentLength returns the handler's Content-Length, or -1.
func (r *response) contentLength() int64 {
	v := r.header.Get("Content-Length")
	if v == "" || !r.bodyAllowed() {
		return -1
	}
	n, err := strconv.ParseUint(strings.TrimSpace(v), 10, 63)
	if err != nil {
		r.srv.logf("scgihttp: invalid Content-Length of %q", v)
		return -1
	}
	return int64(n)
}

// suppressed returns the headers that a response of this status must not have, and Content-Length, which is
// written when it is known.
func (r *response) suppressed(name string) bool {
	return name == "Content-Length" || name == "Content-Type" && r.status == http.StatusNotModified
}

func appendLength(dst []byte, n int64) []byte {
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, n, 10)
	return append(dst, "\r\n"...)
}

func (r *response) bodyAllowed() bool {
	return r.status != http.StatusNoContent && r.status != http.StatusNotModified
}

func (r *response) isHead() bool { return r.req.Method == http.MethodHead }

func (r *response) Write(p []byte) (int, error) {
	if err := r.mayWrite(len(p)); err != nil || len(p) == 0 {
		return 0, err
	}
	if w := r.wire; len(p) <= cap(w.body)-len(w.body) {
		w.body = append(w.body, p...)
		return len(p), nil
	}
	if err := r.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (r *response) WriteString(s string) (int, error) {
	if w := r.wire; w == nil || len(s) > cap(w.body)-len(w.body) {
		return r.Write([]byte(s))
	}
	if err := r.mayWrite(len(s)); err != nil {
		return 0, err
	}
	r.wire.body = append(r.wire.body, s...)
	return len(s), nil
}

// mayWrite counts n bytes of the body, or returns the error of writing them.
func (r *response) mayWrite(n int) error {
	if r.wire == nil {
		return errOver
	}
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	switch {
	case n == 0:
		return nil
	case !r.bodyAllowed():
		return http.ErrBodyNotAllowed
	case r.length >= 0 && r.wrote+int64(n) > r.length:
		return http.ErrContentLength
	case r.err != nil:
		return r.err
	}
	r.wrote += int64(n)
	return nil
}

// send sends the head, unless it has been sent, the buffered body, and p.
func (r *response) send(p []byte) error {
	w := r.wire
	if r.err != nil {
		return r.err
	}
	head := w.head
	if r.sent {
		head = nil
	} else {
		r.sent = true
		head = r.endHead(head, p)
	}
	body := w.body
	if r.isHead() {
		body, p = nil, nil
	}
	w.body = w.body[:0]
	if len(p) == 0 && len(head) > 0 {
		// One write of both, which is faster than writev(2).
		head, body = append(head, body...), nil
		w.head = head
	}
	w.bufs = w.vec[:0]
	for _, b := range [...][]byte{head, body, p} {
		if len(b) > 0 {
			w.bufs = append(w.bufs, b)
		}
	}
	var err error
	if len(w.bufs) > 0 {
		err = w.write()
	}
	w.vec = [3][]byte{}
	if err != nil {
		r.broken(err)
	}
	return err
}

// broken records that nothing more can be sent.
func (r *response) broken(err error) {
	r.err = err
	r.ctx.fail()
	if errors.Is(err, errStuck) {
		r.srv.logf("scgihttp: %s %s: %v; the response is cut off", r.req.Method, r.req.URL.Path, err)
	}
}

// endHead completes the head with the headers that are known only now: Content-Type, guessed from the beginning
// of the body, and Content-Length.
func (r *response) endHead(head, p []byte) []byte {
	first := r.wire.body
	if len(first) == 0 {
		first = p
	}
	if !r.noType && len(first) > 0 {
		head = appendLine(head, "Content-Type", http.DetectContentType(first))
	}
	// The handler of a HEAD may write no body, so that its length is unknown.
	if r.ended && r.length < 0 && r.bodyAllowed() && (!r.isHead() || r.wrote > 0) {
		head = appendLength(head, r.wrote)
	}
	return append(head, "\r\n"...)
}

// Flush is FlushError without the error.
func (r *response) Flush() { _ = r.FlushError() }

// FlushError sends the head and the buffered body, for http.ResponseController.
func (r *response) FlushError() error {
	if err := r.mayWrite(0); err != nil {
		return err
	}
	return r.send(nil)
}

// SetWriteDeadline sets the deadline of the response, for http.ResponseController.
func (r *response) SetWriteDeadline(t time.Time) error {
	if r.wire == nil {
		return errOver
	}
	r.wire.setWriteDeadline(t)
	return nil
}

// SetReadDeadline does nothing: all of the request has been read.
func (r *response) SetReadDeadline(time.Time) error { return nil }

// EnableFullDuplex does nothing: the request has been read before, so handlers can always read it while they
// write the response.
func (r *response) EnableFullDuplex() error { return nil }

// finish sends the rest of the response.
func (r *response) finish() {
	r.ended = true
	if r.mayWrite(0) != nil || r.send(nil) != nil {
		return
	}
	if r.wrote < r.length && !r.isHead() {
		r.srv.logf("scgihttp: %s %s: the handler wrote %d of the %d bytes of its Content-Length; the response is cut",
			r.req.Method, r.req.URL.Path, r.wrote, r.length)
		return
	}
	r.whole = true
}

// fail replaces the handler's response by a 500, unless the head has been sent.
func (r *response) fail() {
	if r.sent {
		return
	}
	r.sent = true
	page := scgi.AppendError(r.wire.head[:0], http.StatusInternalServerError, "", "The application failed.")
	if r.isHead() {
		page = page[:bytes.Index(page, []byte("\r\n\r\n"))+4]
	}
	r.wire.bufs = append(r.wire.vec[:0], page)
	r.whole = r.wire.write() == nil
}

// writerOnly hides ReadFrom from io.Copy.
type writerOnly struct{ io.Writer }
