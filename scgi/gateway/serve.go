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

// This file is the way of a request, from its connection to its record, from top to bottom.

// Request is a request on its way. It is for use by one goroutine.
type Request struct {
	// Subject is what the log calls it, once it is read.
	Subject
	// Conn is its connection.
	Conn *scgi.Conn
	// Params are the variables that an application gets of it.
	Params []scgi.Header
	// Body is its body, whose file [Request.CloseBody] closes.
	Body scgi.Body
	// Came is when there was a connection, and Arrived when all of the request was there.
	Came, Arrived time.Time
	// Queued is how long it was in the queue, and Service for how long a warm worker had it.
	Queued, Service time.Duration

	config *Config
}

// NewRequest makes a request of a connection that came at that time.
func (c *Config) NewRequest(fd int, came time.Time) Request {
	c.boundSends(fd)
	return Request{Conn: scgi.NewConn(fd), Came: came, config: c}
}

// sendWaits is how often a worker waits for the web server to read before it gives a response
// up (runtime/job.py of package wsgi): once would be up to twice the SendTimeout, because
// what was sent of a write is told only when its time is up.
const sendWaits = 10

// boundSends bounds the blocking sends of a worker.
func (c *Config) boundSends(fd int) {
	if c.SendTimeout > 0 {
		most := unix.NsecToTimeval(max(c.SendTimeout/sendWaits, time.Microsecond).Nanoseconds())
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &most)
	}
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

// run has a process answer.
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
	// The place is free now, however long the other side takes to hang up.
	release()
	r.Finish()
	r.config.Log.Record(r.Record(res, usage, took))
}

// CheckPeer returns why the peer may not talk to the application, a [*PeerError].
func (r *Request) CheckPeer() error { return r.config.Peers.check(r.Conn.FD()) }

// Read reads the request, and returns what is wrong with it. io.EOF is a probe: connected and
// closed. The header has the time of the limits from when the connection came.
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

// take takes what was read of the request, and returns what is wrong with it: err, if
// there is one.
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

// describe takes out of the request what the log calls it.
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

// takeProbe moves the probe's id from the variables to what the log knows of the request.
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

// Refuse answers a request that never reaches the application, because of an error of
// [Request.CheckPeer] or [Request.Read], and ends its connection.
func (r *Request) Refuse(err error) {
	f := refusal(err)
	r.config.Log.Line(Line{Priority: f.priority, Status: f.status,
		Text: "request refused with " + strconv.Itoa(f.status) + ": " + r.config.explain(err)})
	r.answer(f)
}

// NotQueued answers a request that got no place in the queue, because of err, ends its
// connection, and returns what the client got.
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

// Fail ends a response that isn't whole, or was never begun: it tells the client, if that can
// be told, and the log why. What it returns is what the client got.
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

// linger is how long the web server may take to close a connection after the end of the
// response; it takes microseconds. Clients that never close are dropped within a second.
const linger = 900 * time.Millisecond

// Finish ends the connection after a response.
func (r *Request) Finish() { r.Conn.Finish(linger) }

// CloseBody closes the file of the body, if there is one.
func (r *Request) CloseBody() {
	if r.Body.File != nil {
		r.Body.File.Close()
	}
}
