package scgihttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain makes the test binary the program that a service manager starts.
func TestMain(m *testing.M) {
	if os.Getenv("SERVE") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("LISTEN_PID") == "self" {
		os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	}
	idle, _ := time.ParseDuration(os.Getenv("IDLE_EXIT"))
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("not for the web server")
		fmt.Fprintf(w, "%s %s", SocketName(r), r.URL.Path)
	})
	// A request for /wait gets its response when the test closes its end of a socket.
	http.HandleFunc("/wait", func(w http.ResponseWriter, _ *http.Request) {
		c, err := net.Dial("unix", os.Getenv("GATE"))
		if err != nil {
			panic(err)
		}
		_, _ = io.Copy(io.Discard, c)
		_, _ = io.WriteString(w, "waited")
	})
	if err := (&Server{IdleExit: idle}).Serve(nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// timeout is for what would otherwise hang the tests.
const timeout = 60 * time.Second

// logBuffer is an ErrorLog to look at.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// site is a server in a test.
type site struct {
	*Server
	t       testing.TB
	network string
	address string
	log     *logBuffer
	served  chan error
}

// start serves h on a unix socket or by TCP, until the end of the test.
func start(t testing.TB, network string, srv *Server, h http.HandlerFunc) *site {
	t.Helper()
	address := "127.0.0.1:0"
	if network == "unix" {
		address = filepath.Join(t.TempDir(), "s")
	}
	l, err := net.Listen(network, address)
	require.NoError(t, err)
	s := &site{Server: srv, t: t, network: network, address: l.Addr().String(), log: &logBuffer{}, served: make(chan error, 1)}
	srv.ErrorLog = log.New(s.log, "", 0)
	if h != nil {
		srv.Handler = h
	}
	go func() { s.served <- srv.Serve(l) }()
	t.Cleanup(func() {
		assert.NoError(t, srv.Close())
		select {
		case <-s.served:
		case <-time.After(timeout):
			t.Error("Serve doesn't return")
		}
	})
	return s
}

// dial connects, for reads and writes that end.
func (s *site) dial() net.Conn {
	s.t.Helper()
	c, err := net.Dial(s.network, s.address)
	require.NoError(s.t, err)
	s.t.Cleanup(func() { c.Close() })
	require.NoError(s.t, c.SetDeadline(time.Now().Add(timeout)))
	return c
}

// raw sends bytes, and returns the complete response.
func (s *site) raw(wire []byte) (string, error) {
	s.t.Helper()
	c := s.dial()
	_, err := c.Write(wire)
	require.NoError(s.t, err)
	answer, err := io.ReadAll(c)
	return string(answer), err
}

// ask sends a request with a body and these variables, in pairs, REQUEST_METHOD and
// SERVER_PROTOCOL being preset.
func (s *site) ask(body string, vars ...string) (string, error) {
	s.t.Helper()
	return s.raw(request(s.t, body, vars...))
}

func request(t testing.TB, body string, vars ...string) []byte {
	t.Helper()
	header := []scgi.Header{{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"}}
	for i := 0; i < len(vars); i += 2 {
		header = append(header, scgi.Header{Name: vars[i], Value: vars[i+1]})
	}
	wire, err := scgi.AppendRequest(nil, int64(len(body)), header)
	require.NoError(t, err)
	return append(wire, body...)
}

// get asks for / and expects a whole response.
func (s *site) get(vars ...string) string {
	s.t.Helper()
	answer, err := s.ask("", append([]string{"REQUEST_URI", "/"}, vars...)...)
	require.NoError(s.t, err)
	return answer
}

// received waits for a value.
func received[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(timeout):
		require.FailNow(t, "nothing has come")
		panic("unreachable")
	}
}

func shutdown(t testing.TB, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	require.NoError(t, s.Shutdown(ctx))
}

var errTest = errors.New("a test's error")
