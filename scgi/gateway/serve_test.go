package gateway

import (
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/outcome"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// heard is a log that keeps what it hears.
type heard struct {
	records []Record
	lines   []Line
}

func (h *heard) Record(r Record) { h.records = append(h.records, r) }
func (h *heard) Line(l Line)     { h.lines = append(h.lines, l) }

// greeter is an application whose processes answer by themselves.
type greeter struct{ kind outcome.Kind }

func (g greeter) Start(*Request) (Process, *outcome.Problem) {
	if g.kind != outcome.Failed {
		return nil, &outcome.Problem{Kind: g.kind, Text: "on purpose"}
	}
	return greeting{}, nil
}

type greeting struct{}

func (greeting) Serve(conn int) outcome.Result {
	n, _ := unix.Write(conn, []byte("Status: 200 OK\r\n\r\nhello"))
	return outcome.Result{Status: 200, Bytes: int64(n) - 18, End: outcome.Whole}
}
func (greeting) Wait() outcome.Usage {
	return outcome.Usage{Known: true, CPU: time.Millisecond, PeakMemory: 1 << 20}
}
func (greeting) Signal(syscall.Signal) {}
func (greeting) Close()                {}

// exchange serves a connection on which a client sends a request, and returns what it gets.
func exchange(t *testing.T, c Config, request string, app Application, q Queue) (string, *heard) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	client := os.NewFile(uintptr(pair[0]), "client")
	defer client.Close()
	_, err = client.WriteString(request)
	require.NoError(t, err)
	require.NoError(t, unix.Shutdown(pair[0], unix.SHUT_WR))
	log := &heard{}
	c.Log = log
	c.ServeConnection(pair[1], app, q)
	answer, err := io.ReadAll(client)
	require.NoError(t, err)
	return string(answer), log
}

func wire(t *testing.T, headers ...scgi.Header) string {
	t.Helper()
	b, err := scgi.AppendRequest(nil, 0, headers)
	require.NoError(t, err)
	return string(b)
}

// TestServeConnection takes each way that a request can go, and reads what the client and the
// log get.
func TestServeConnection(t *testing.T) {
	good := wire(t, scgi.Header{Name: "REQUEST_METHOD", Value: "GET"}, scgi.Header{Name: "SCRIPT_NAME", Value: "/shop"},
		scgi.Header{Name: "PATH_INFO", Value: "/cart"}, scgi.Header{Name: "QUERY_STRING", Value: "secret"}, scgi.Header{Name: "UNIQUE_ID", Value: "id-1"})
	about := Subject{ID: "id-1", Method: "GET", Path: "/shop/cart"}
	full := Places(1)
	_, err := full.take(time.Minute)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		config  Config
		request string
		app     Application
		queue   Queue
		answer  string // how it begins
		status  int    // of the record; 0: there is none
		line    Line
	}{
		"answered":  {Config{}, good, greeter{}, Unlimited, "Status: 200 OK\r\n\r\nhello", 200, Line{}},
		"a probe":   {Config{}, "", greeter{}, Unlimited, "", 0, Line{}},
		"malformed": {Config{}, "GET / HTTP/1.1\r\n\r\n", greeter{}, Unlimited, "Status: 400 Bad Request\r\n", 0, Line{Priority: Error, Status: 400, Text: "request refused with 400: " + scgi.ErrLength.Error()}},
		"queue full": {Config{QueueTimeout: time.Millisecond}, good, greeter{}, full,
			"Status: 503 Service Unavailable\r\n", 503, Line{}},
		"no slots": {Config{Explain: func(err error) string { return "explained" }}, good, greeter{}, Slots{Path: "/nonexistent/slots", FirstSlot: 1, FirstTicket: 1 << 32, N: 1},
			"Status: 500 Internal Server Error\r\n", 500, Line{Priority: Error, About: about, Text: "explained"}},
		"broken": {Config{}, good, Broken{errors.New("no such flag")}, Unlimited,
			"Status: 500 Internal Server Error\r\n", 500, Line{Priority: Error, About: about, Text: "no such flag"}},
		"not found": {Config{}, good, greeter{outcome.NotFound}, Unlimited,
			"Status: 404 Not Found\r\n", 404, Line{Priority: Warning, About: about, Text: "on purpose"}},
	} {
		t.Run(name, func(t *testing.T) {
			answer, log := exchange(t, c.config, c.request, c.app, c.queue)
			assert.True(t, strings.HasPrefix(answer, c.answer), answer)
			assert.NotContains(t, answer, "secret")
			if c.status == 0 {
				assert.Empty(t, log.records)
			} else if assert.Len(t, log.records, 1) {
				assert.Equal(t, c.status, log.records[0].Status)
				assert.Equal(t, about, log.records[0].Subject)
				assert.Equal(t, c.status >= 500, log.records[0].Failed())
			}
			if c.line == (Line{}) {
				assert.Empty(t, log.lines)
			} else {
				assert.Equal(t, []Line{c.line}, log.lines)
			}
		})
	}
	answer, _ := exchange(t, Config{IDHeader: "Request-Id"}, good, greeter{}, full)
	assert.Contains(t, answer, "\r\nRequest-Id: id-1\r\n")
	answer, _ = exchange(t, Config{IDHeader: "Request-Id"}, "0:,", greeter{}, full)
	assert.NotContains(t, answer, "Request-Id", "it has none")
	answer, _ = exchange(t, Config{IDHeader: "Request-Id", Debug: true}, good, Broken{errors.New("<no such flag>")}, Unlimited)
	assert.Contains(t, answer, "\r\nRequest-Id: id-1\r\n")
	assert.Contains(t, answer, "<pre>&lt;no such flag&gt;</pre>")
}

// TestProbe has requests say that they are probes: the log is told by an id, and the application
// never is.
func TestProbe(t *testing.T) {
	for value, want := range map[string]string{"0af3-x": "0af3-x", "": "", "a b": "", strings.Repeat("x", 65): ""} {
		seen := &paramsSeen{}
		_, log := exchange(t, Config{ProbeVariable: "HTTP_PROBE"}, wire(t, scgi.Header{Name: "REQUEST_METHOD", Value: "GET"},
			scgi.Header{Name: "HTTP_PROBE", Value: value}, scgi.Header{Name: "HTTP_OTHER", Value: "kept"}), seen, Unlimited)
		require.Len(t, log.records, 1)
		assert.Equal(t, want, log.records[0].Probe)
		assert.NotContains(t, seen.names, "HTTP_PROBE")
		assert.Contains(t, seen.names, "HTTP_OTHER")
	}
}

// paramsSeen is an application that keeps the names of what it gets.
type paramsSeen struct{ names []string }

func (p *paramsSeen) Start(r *Request) (Process, *outcome.Problem) {
	for _, h := range r.Params {
		p.names = append(p.names, h.Name)
	}
	return greeting{}, nil
}
