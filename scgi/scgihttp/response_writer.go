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

// errOver is what a handler gets that writes after it has returned.
var errOver = errors.New("scgihttp: the request is over")

// response is the http.ResponseWriter of one request. The head is written into
// wire.head when the handler decides on it, so that what it changes later has no
// effect; it is sent with the first of the body that doesn't fit into wire.body, with
// a Flush, or at the end, when the length of the body is known.
//
// It has no Hijack: the connection isn't the client's.
type response struct {
	srv  *Server
	req  *http.Request
	ctx  *requestContext
	wire *wire // nil when the handler has returned

	header http.Header
	status int   // 0 before WriteHeader
	sent   bool  // the head is out
	length int64 // what the handler says, or -1
	wrote  int64 // by the handler
	whole  bool  // the response is out to its end

	ended  bool  // the handler has written all of it
	noType bool  // no Content-Type is to be guessed
	err    error // of the connection
}

func (r *response) Header() http.Header { return r.header }

// WriteHeader decides on the head. An informational status (1xx) is dropped: CGI has
// one head per response, and the web server speaks to the client.
func (r *response) WriteHeader(code int) {
	switch {
	case code < 100 || code > 999: // as net/http
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

// contentLength returns the length that the handler gives, or -1.
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

// suppressed tells which headers a response of this status hasn't got; Content-Length
// is written when it is known.
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

// mayWrite counts n bytes of the body, or says why they can't be written.
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

// send sends the head, when it isn't out, then what is held back of the body, and
// then p.
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
		// One write of both, without the detour of writev(2).
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

// broken notes that nothing more can be sent.
func (r *response) broken(err error) {
	r.err = err
	r.ctx.fail()
	if errors.Is(err, errStuck) {
		r.srv.logf("scgihttp: %s %s: %v; it is given up", r.req.Method, r.req.URL.Path, err)
	}
}

// endHead ends the head with what is known only now: the type, guessed from the
// first of the body, and the length.
func (r *response) endHead(head, p []byte) []byte {
	first := r.wire.body
	if len(first) == 0 {
		first = p
	}
	if !r.noType && len(first) > 0 {
		head = appendLine(head, "Content-Type", http.DetectContentType(first))
	}
	// Of a response to HEAD without a body nobody knows how long the body would be.
	if r.ended && r.length < 0 && r.bodyAllowed() && (!r.isHead() || r.wrote > 0) {
		head = appendLength(head, r.wrote)
	}
	return append(head, "\r\n"...)
}

// Flush sends what there is. Its error is FlushError's.
func (r *response) Flush() { _ = r.FlushError() }

// FlushError sends what there is, for http.ResponseController.
func (r *response) FlushError() error {
	if err := r.mayWrite(0); err != nil {
		return err
	}
	return r.send(nil)
}

// SetWriteDeadline bounds the writing of the response, for http.ResponseController.
func (r *response) SetWriteDeadline(t time.Time) error {
	if r.wire == nil {
		return errOver
	}
	r.wire.setWriteDeadline(t)
	return nil
}

// SetReadDeadline does nothing: all of the request has been read.
func (r *response) SetReadDeadline(time.Time) error { return nil }

// EnableFullDuplex does nothing: all of the request has been read, so whoever reads
// it and writes the response in turns always could.
func (r *response) EnableFullDuplex() error { return nil }

// finish sends the rest of the response, which is whole then.
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

// fail answers 500 in place of what the handler has left behind, if the head isn't out.
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
