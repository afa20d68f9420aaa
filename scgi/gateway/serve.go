package gateway

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Request is a request from its connection to its record. It is for use by one goroutine.
type Request struct {
	// Subject identifies it in the log, once it is read.
	Subject
	// Conn is its connection.
	Conn *scgi.Conn
	// Params are its variables for an application.
	Params []scgi.Header
	// Body is its body; [Request.CloseBody] closes its file.
	Body scgi.Body
	// Came is the time of the connection, and Arrived that of the complete request.
	Came, Arrived time.Time
	// Queued is the time in the queue, and Service the time in a warm worker.
	Queued, Service time.Duration

	config *Config
}

// NewRequest makes a request for a connection accepted at that time.
func (c *Config) NewRequest(fd int, came time.Time) Request {
	return Request{Conn: scgi.NewConn(fd), Came: came, config: c}
}

// serve answers the request, and logs it.
func (r *Request) serve(app Application, q Queue, stop stopper) {
	if err := r.CheckPeer(); err != nil {
		r.Refuse(err)
		return
	}
	err := r.Read()
	if err == io.EOF {
		r.Conn.Close() // a probe: connected and closed
		return
	}
	defer r.CloseBody()
	if err != nil {
		r.Refuse(err)
		return
	}
	r.Arrived = time.Now()
	release, err := q.take(r.config.QueueTimeout)
	r.Queued = time.Since(r.Arrived)
	if err != nil {
		r.config.Log.Record(r.Record(r.NotQueued(err), outcome.Usage{}, r.Queued))
		return
	}
	defer release()
	if r.Conn.Gone() {
		r.Conn.Close()
		r.config.Log.Record(r.Record(outcome.Result{End: outcome.Left}, outcome.Usage{}, time.Since(r.Came)))
		return
	}
	r.run(app, stop, release)
}

// run answers the request by a process.
func (r *Request) run(app Application, stop stopper, release func()) {
	p, problem := app.Start(r)
	if problem != nil {
		res := r.Fail(outcome.Result{Problem: problem})
		r.Finish()
		r.config.Log.Record(r.Record(res, outcome.Usage{}, time.Since(r.Came)))
		return
	}
	defer p.Close()
	stopped, forget := stop.watch(p)
	defer forget()
	res := p.Serve(r.Conn.FD())
	took := time.Since(r.Came)
	if res.Problem != nil || res.End != outcome.Whole {
		res = r.Fail(stopped.explain(res))
	}
	usage := p.Wait()
	if usage.Late {
		r.problem(Error, "the application continued after its response, and was killed at its timeout")
	}
	// The slot is free now, however long the peer takes to close.
	release()
	r.Finish()
	r.config.Log.Record(r.Record(res, usage, took))
}

// CheckPeer returns a [*PeerError] if the peer is not allowed.
func (r *Request) CheckPeer() error { return r.config.Peers.check(r.Conn.FD()) }

// Read reads the request. The error is io.EOF for a probe: connected and closed. The header's timeout
// begins with the connection.
func (r *Request) Read() error {
	limits := r.config.Limits
	if limits.HeaderTimeout == 0 {
		limits.HeaderTimeout = scgi.DefaultHeaderTimeout
	}
	limits.HeaderTimeout = max(time.Millisecond, limits.HeaderTimeout-time.Since(r.Came))
	return r.take(scgi.ReadRequest(r.Conn, &limits))
}

// ReadReady is Read for a request that has arrived, and never waits ([scgi.Conn.ReadReady]).
func (r *Request) ReadReady(scratch []byte) error {
	return r.take(r.Conn.ReadReady(scratch, &r.config.Limits))
}

// take sets the fields of the request that was read, unless err is set.
func (r *Request) take(req *scgi.Request, err error) error {
	if req != nil {
		r.Body = req.Body
	}
	if err == nil {
		r.Params, err = req.Params(r.config.Mount)
	}
	if err == nil {
		r.describe()
	}
	return err
}

// describe sets the subject from the request's variables.
func (r *Request) describe() {
	for _, h := range r.Params {
		switch h.Name {
		case "REQUEST_METHOD":
			r.Method = h.Value
		case "SCRIPT_NAME":
			r.Path = h.Value + r.Path
		case "PATH_INFO":
			r.Path += h.Value
		case "UNIQUE_ID":
			if isID(h.Value) {
				r.ID = h.Value
			}
		}
	}
	r.takeProbe()
	if r.ID == "" {
		var b [16]byte
		_, _ = unix.Getrandom(b[:], 0) // math/rand would do, crypto/rand costs every start
		r.ID = hex.EncodeToString(b[:])
	}
}

// takeProbe moves the probe's id from the variables to the subject.
func (r *Request) takeProbe() {
	if r.config.ProbeVariable == "" {
		return
	}
	i := slices.IndexFunc(r.Params, func(h scgi.Header) bool { return h.Name == r.config.ProbeVariable })
	if i < 0 {
		return
	}
	if isID(r.Params[i].Value) {
		r.Probe = r.Params[i].Value
	}
	r.Params = slices.Delete(r.Params, i, i+1)
}

func isID(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '_' || c == '@') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// Refuse answers a request after an error of [Request.CheckPeer] or [Request.Read], and ends its
// connection.
func (r *Request) Refuse(err error) {
	f := refusal(err)
	r.config.Log.Line(Line{Priority: f.priority, Status: f.status,
		Text: "request refused with " + strconv.Itoa(f.status) + ": " + r.config.explain(err)})
	r.answer(f)
}

// NotQueued answers a request that got no slot because of err, ends its connection, and returns the
// result.
func (r *Request) NotQueued(err error) outcome.Result {
	f := queueFull
	if !errors.Is(err, ErrQueueTimeout) {
		f = noQueue
		r.problem(f.priority, r.config.explain(err))
	}
	r.answer(f)
	return outcome.Result{Status: f.status, End: outcome.Whole}
}

// answer answers with a failure, and ends the connection.
func (r *Request) answer(f failure) {
	_, _ = r.Conn.Write(r.page(f)) // a peer that is gone needs no answer
	r.Finish()
}

// Fail ends an incomplete or missing response: it sends an error page if the response has not begun, logs
// the reason, and returns the result.
func (r *Request) Fail(res outcome.Result) outcome.Result {
	f, detail := failureOf(res.Problem), ""
	if res.Problem != nil {
		detail = res.Problem.Text
	}
	switch res.End {
	case outcome.None:
		res.Status, res.End = f.status, outcome.Whole
		f.text += " See the log, request " + r.ID + "."
		page := r.page(f)
		if r.config.Debug && detail != "" {
			page = r.debugPage(f, detail)
		}
		if _, err := r.Conn.Write(page); err != nil {
			res.End = outcome.Left
		} else {
			res.Bytes = int64(len(page) - bytes.Index(page, []byte("\r\n\r\n")) - 4)
		}
		r.Conn.CloseWrite()
	case outcome.Cut, outcome.Left:
		r.Conn.Close() // a reset: what the client has is not all
	}
	if detail != "" {
		r.problem(f.priority, detail)
	}
	return res
}

// linger limits how long the web server may take to close a connection after the response, which takes
// microseconds. Clients that never close are dropped within a second.
const linger = 900 * time.Millisecond

// Finish ends the connection after a response.
func (r *Request) Finish() { r.Conn.Finish(linger) }

// CloseBody closes the file of the body, if there is one.
func (r *Request) CloseBody() {
	if r.Body.File != nil {
		r.Body.File.Close()
	}
}
