package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/child"
	"golang.org/x/sys/unix"
)

// linger is how long the web server may take to close a connection after the end of the
// response; it takes microseconds. Who never does is rid of before a second is over.
const linger = 900 * time.Millisecond

// request is a request that is being answered.
type request struct {
	cfg  *config
	log  *logger
	conn *scgi.Conn

	id      string
	method  string
	path    string
	queued  time.Duration // until it got a place, or a worker
	stays   bool          // its worker stays
	service time.Duration // of such a worker
}

// serveConnection answers the one request of a process that was handed its
// connection.
func serveConnection(cfg *config, log *logger, app application, fd int) {
	var q queue = noQueue{}
	if cfg.concurrency > 0 {
		q = slotQueue{cfg.slotsDir, cfg.concurrency}
	}
	r := &request{cfg: cfg, log: log, conn: newConn(cfg, fd)}
	r.serve(app, q, terminator{})
}

// sendWaits is how often a worker waits for the web server to read before it gives a response
// up (scgi/wsgi/runtime/job.py): once would be up to twice --send-timeout, because what was
// sent of a write is told only when its time is up.
const sendWaits = 10

// newConn makes a connection whose blocking sends are bounded: those of a worker.
func newConn(cfg *config, fd int) *scgi.Conn {
	if cfg.sendTimeout > 0 {
		most := unix.NsecToTimeval(max(cfg.sendTimeout/sendWaits, time.Microsecond).Nanoseconds())
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &most)
	}
	return scgi.NewConn(fd)
}

// serve answers the request, and logs it.
func (r *request) serve(app application, q queue, stop stopper) {
	start := time.Now()
	if err := r.cfg.peers.check(r.conn.FD()); err != nil {
		r.forbid(err)
		return
	}
	req, err := scgi.ReadRequest(r.conn, &r.cfg.limits)
	if err == io.EOF {
		r.conn.Close() // somebody looked whether we are there
		return
	}
	var params []scgi.Header
	if err == nil {
		if req.Body.File != nil {
			defer req.Body.File.Close()
		}
		params, err = req.Params(r.cfg.mount)
	}
	if err != nil {
		r.reject(err)
		return
	}
	r.describe(params)
	arrived := time.Now()
	release, err := q.take(r.cfg.queueTimeout)
	if err != nil {
		r.queued = time.Since(arrived)
		r.busy(err)
		return
	}
	defer release()
	if r.queued = time.Since(arrived); r.conn.Gone() {
		r.conn.Close()
		r.record(child.Result{End: child.Left}, child.Usage{}, time.Since(start))
		return
	}
	r.run(app, stop, params, req.Body, start, release)
}

// run has a worker answer.
func (r *request) run(app application, stop stopper, params []scgi.Header, body scgi.Body, start time.Time, release func()) {
	w, problem := app.start(r, params, body)
	if problem != nil {
		res := r.fail(child.Result{Problem: problem}, false)
		r.conn.Finish(linger)
		r.record(res, child.Usage{}, time.Since(start))
		return
	}
	defer w.Close()
	stopped, forget := stop.watch(w)
	defer forget()
	res := w.serve(r.conn.FD())
	took := time.Since(start)
	if res.Problem != nil || res.End != child.Whole {
		res = r.fail(res, wasStopped(stopped, res))
	}
	usage := w.wait()
	if usage.Late {
		r.log.write(prioErr, "the application went on after its response until its time was up, and was killed",
			append(r.fields(), field{"MESSAGE_ID", msgProblem})...)
	}
	// The place is free now, however long the other side takes to hang up.
	release()
	r.conn.Finish(linger)
	r.record(res, usage, took)
}

// wasStopped tells whether the worker was told to end. systemd tells all processes of a
// unit at once, so the worker may have died of it before this process knows.
func wasStopped(stopped *atomic.Bool, res child.Result) bool {
	if res.Problem != nil && res.Problem.Kind == child.Died {
		for end := time.Now().Add(50 * time.Millisecond); !stopped.Load() && time.Now().Before(end); {
			time.Sleep(time.Millisecond)
		}
	}
	return stopped.Load()
}

// stopper ends workers when the unit is being stopped.
type stopper interface {
	// watch begins to watch over a worker. Stopped becomes true when it was told to end.
	watch(worker) (stopped *atomic.Bool, forget func())
}

// terminator passes SIGTERM on: who stops a unit is answered by this process, which so
// outlives the worker.
type terminator struct{}

func (terminator) watch(w worker) (*atomic.Bool, func()) {
	var stopped atomic.Bool
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {
		<-stop
		stopped.Store(true)
		w.Signal(syscall.SIGTERM)
	}()
	return &stopped, func() {}
}

// fail ends a response that isn't whole, logs why, and returns what the client
// got.
func (r *request) fail(res child.Result, stopped bool) child.Result {
	status, text, detail, priority := 502, "The application ended without an answer.", "", prioErr
	if p := res.Problem; p != nil {
		detail = p.Text
		switch {
		case stopped:
			status, text = 503, "The application is being stopped."
		case p.Kind == child.Failed:
			status, text = 500, "The application failed."
		case p.Kind == child.Timeout:
			status, text = 504, "The application took too long."
		case p.Kind == child.Busy:
			status, text = 503, "This machine is too busy. Try again in a few seconds."
		case p.Kind == child.Forbidden:
			status, text, priority = 403, "This may not be run.", prioWarning
		case p.Kind == child.NotFound:
			status, text, priority = 404, "There is no such program.", prioWarning
		}
	}
	switch res.End {
	case child.None:
		res.Status, res.End = status, child.Whole
		answer := page(status, text+" The log says why, under "+r.id+".", detail, r.cfg.debug)
		if _, err := r.conn.Write(answer); err != nil {
			res.End = child.Left
		} else {
			res.Bytes = int64(len(answer) - bytes.Index(answer, []byte("\r\n\r\n")) - 4)
		}
		r.conn.CloseWrite()
	case child.Cut, child.Left:
		r.conn.Close() // a reset: what the client has is not all
	}
	if detail != "" {
		r.log.write(priority, detail, append(r.fields(), field{"MESSAGE_ID", msgProblem})...)
	}
	return res
}

// reject answers a request that never reaches the application.
func (r *request) reject(err error) {
	var wrong *scgi.RequestError
	status, text := 500, "The request can't be stored here."
	switch {
	case errors.As(err, &wrong):
		status, text = wrong.Status, "The request was refused: "+wrong.Reason+"."
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EDQUOT):
		status, text = 507, "There is no space for the request's body."
	case errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		status, text = 503, "This machine is too busy. Try again in a few seconds."
	}
	r.log.write(prioErr, "request refused with "+strconv.Itoa(status)+": "+err.Error(),
		field{"MESSAGE_ID", msgProblem}, field{"SOCKETGI_STATUS", strconv.Itoa(status)})
	refuse(r.conn, status, text)
}

// busy answers a request for which no slot became free.
func (r *request) busy(err error) {
	res := child.Result{Status: 503, End: child.Whole}
	text := "All places are taken. Try again in a few seconds."
	if !errors.Is(err, errBusy) {
		res.Status, text = 500, "This application is not set up correctly. The log says why."
		r.log.write(prioErr, "the slots of --concurrency: "+err.Error(), append(r.fields(), field{"MESSAGE_ID", msgProblem})...)
	}
	refuse(r.conn, res.Status, text)
	r.record(res, child.Usage{}, r.queued)
}

// refuse answers with a page and ends the connection.
func refuse(conn *scgi.Conn, status int, text string) {
	_, _ = conn.Write(page(status, text, "", false)) // who is gone needs no answer
	conn.Finish(linger)
}

// describe takes out of the request what the log says of it. The query string
// stays out: it may hold what nobody else may read.
func (r *request) describe(params []scgi.Header) {
	for _, h := range params {
		switch h.Name {
		case "REQUEST_METHOD":
			r.method = h.Value
		case "SCRIPT_NAME":
			r.path = h.Value + r.path
		case "PATH_INFO":
			r.path += h.Value
		case "UNIQUE_ID":
			if isID(h.Value) {
				r.id = h.Value
			}
		}
	}
	if r.id == "" {
		var b [16]byte
		_, _ = unix.Getrandom(b[:], 0) // math/rand would do, crypto/rand costs every start
		r.id = hex.EncodeToString(b[:])
	}
}

func isID(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '-' || c == '_' || c == '@') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

func (r *request) fields() []field {
	return []field{
		{"SOCKETGI_REQUEST_ID", r.id},
		{"SOCKETGI_METHOD", printable(r.method)},
		{"SOCKETGI_PATH", printable(r.path)},
	}
}

// statusOf is what the log says of a response: 499 is nginx's number for a client that left.
func statusOf(res child.Result) int {
	if res.End == child.Left {
		return 499
	}
	return res.Status
}

// recorded tells whether the log has a request: one that failed always.
func (c *config) recorded(res child.Result) bool {
	return !c.quiet || statusOf(res) >= 500 || res.End == child.Cut
}

// record logs the request.
func (r *request) record(res child.Result, u child.Usage, took time.Duration) {
	if !r.cfg.recorded(res) {
		return
	}
	status := statusOf(res)
	ms, cpu := milliseconds(took), milliseconds(u.CPU)
	message := printable(r.method) + " " + printable(r.path) + " " + strconv.Itoa(status) + " " +
		strconv.FormatInt(res.Bytes, 10) + " bytes " + ms + " ms, " + cpu + " ms CPU"
	memory := field{"SOCKETGI_PEAK_MEMORY", strconv.FormatInt(u.PeakMemory, 10)}
	if r.stays {
		memory = field{"SOCKETGI_MEMORY_GROWTH", strconv.FormatInt(res.Growth, 10)}
		message += ", +" + strconv.FormatInt(res.Growth>>10, 10) + " KiB"
	} else {
		message += ", " + strconv.FormatInt(u.PeakMemory>>20, 10) + " MiB"
	}
	if res.End == child.Cut {
		message += ", cut"
	}
	if n := u.ExitStatus(); n > 0 {
		message += ", exit status " + strconv.Itoa(n)
	}
	fields := append(r.fields(),
		field{"MESSAGE_ID", msgRequest},
		field{"SOCKETGI_STATUS", strconv.Itoa(status)},
		field{"SOCKETGI_BYTES", strconv.FormatInt(res.Bytes, 10)},
		field{"SOCKETGI_MS", ms},
		field{"SOCKETGI_QUEUE_MS", milliseconds(r.queued)},
		field{"SOCKETGI_CPU_MS", cpu},
		memory)
	if r.stays {
		fields = append(fields, field{"SOCKETGI_SERVICE_MS", milliseconds(r.service)})
	}
	r.log.write(prioNotice, message, fields...)
}
