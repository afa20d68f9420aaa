package scgihttp

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestGone checks that a handler hears when the web server closes the connection.
func TestGone(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		for _, body := range []string{"", "x", strings.Repeat("x", 100_000)} {
			for name, wait := range map[string]func(context.Context){
				"Done": func(ctx context.Context) { <-ctx.Done() },
				"derived": func(ctx context.Context) {
					derived, cancel := context.WithTimeout(ctx, time.Hour)
					defer cancel()
					<-derived.Done()
				},
				"Err": func(ctx context.Context) {
					for ctx.Err() == nil {
						runtime.Gosched() // as a handler that checks it now and then
					}
				},
			} {
				t.Run(network+" "+name, func(t *testing.T) {
					started, cancelled := make(chan struct{}), make(chan error, 1)
					s := start(t, network, &Server{}, func(_ http.ResponseWriter, r *http.Request) {
						close(started)
						wait(r.Context())
						cancelled <- r.Context().Err()
					})
					c := s.dial()
					_, err := c.Write(request(t, body, "REQUEST_URI", "/"))
					require.NoError(t, err)
					received(t, started)
					require.NoError(t, c.Close())
					assert.Equal(t, context.Canceled, received(t, cancelled))
				})
			}
		}
	}
}

// TestNotGone: on a unix socket, a peer that has only ended its sending waits for the response.
func TestNotGone(t *testing.T) {
	started, again := make(chan context.Context, 1), make(chan struct{})
	s := start(t, "unix", &Server{}, func(w http.ResponseWriter, r *http.Request) {
		r.Context().Done()
		started <- r.Context()
		<-again
		assert.NoError(t, r.Context().Err())
		_, _ = io.WriteString(w, "hello")
	})
	c := s.dial()
	_, err := c.Write(request(t, "body", "REQUEST_URI", "/"))
	require.NoError(t, err)
	ctx := received(t, started)
	require.NoError(t, c.(*net.UnixConn).CloseWrite())
	close(again)
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "hello")
	received(t, ctx.Done())
	assert.Equal(t, context.Canceled, ctx.Err(), "the request is over")
}

func TestContextAfterRequest(t *testing.T) {
	contexts := make(chan context.Context, 1)
	s := start(t, "unix", &Server{}, func(_ http.ResponseWriter, r *http.Request) { contexts <- r.Context() })
	s.get()
	ctx := received(t, contexts)
	shutdown(t, s.Server)
	received(t, ctx.Done())
	assert.Equal(t, context.Canceled, ctx.Err())
}

func TestWriteToGone(t *testing.T) {
	started, gone, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	s := start(t, "unix", &Server{}, func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		close(started)
		<-gone
		assert.NoError(t, r.Body.Close())
		assert.ErrorIs(t, http.NewResponseController(w).Flush(), unix.EPIPE)
		assert.Error(t, r.Context().Err())
		_, err := io.WriteString(w, "x")
		assert.ErrorIs(t, err, unix.EPIPE)
	})
	c := s.dial()
	_, err := c.Write(request(t, ""))
	require.NoError(t, err)
	received(t, started)
	require.NoError(t, c.Close())
	close(gone)
	received(t, done)
}

func TestTimeouts(t *testing.T) {
	s := start(t, "unix", &Server{ReadHeaderTimeout: 20 * time.Millisecond}, func(http.ResponseWriter, *http.Request) {
		t.Error("a handler was called")
	})
	for _, wire := range []string{"", "24:CONTENT_LENGTH\x00"} {
		answer, err := s.raw([]byte(wire))
		require.NoError(t, err)
		assert.Contains(t, answer, "Status: 408 Request Timeout")
	}

	written := make(chan error, 1)
	s = start(t, "unix", &Server{WriteTimeout: 20 * time.Millisecond, ReadHeaderTimeout: time.Hour}, func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, 16<<20))
		written <- err
	})
	c := s.dial()
	_, err := c.Write(request(t, ""))
	require.NoError(t, err)
	err = received(t, written)
	var timeoutErr net.Error
	require.ErrorAs(t, err, &timeoutErr)
	assert.True(t, timeoutErr.Timeout())
}

func TestMaxHeaderBytes(t *testing.T) {
	s := start(t, "unix", &Server{MaxHeaderBytes: 200}, hello)
	assert.Contains(t, s.get(), "200 OK")
	assert.Contains(t, s.get("HTTP_COOKIE", strings.Repeat("x", 200)), "Status: 431 ")
	assert.Contains(t, s.log.String(), "431")
}

// TestSlowSender sends requests byte by byte.
func TestSlowSender(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		s := start(t, network, &Server{}, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
		c := s.dial()
		for _, b := range request(t, "the body", "REQUEST_URI", "/") {
			_, err := c.Write([]byte{b})
			require.NoError(t, err)
		}
		answer, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.Contains(t, string(answer), "\r\n\r\nthe body")
	}
}

// TestConnectAndClose: a probe connects and closes.
func TestConnectAndClose(t *testing.T) {
	s := start(t, "unix", &Server{}, hello)
	require.NoError(t, s.dial().Close())
	s.get()
	shutdown(t, s.Server)
	assert.Empty(t, s.log.String())
}

// pipeListener accepts connections that have no descriptor.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l *pipeListener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func TestPipe(t *testing.T) {
	l := &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	cancelled := make(chan struct{})
	srv := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/gone" {
			<-r.Context().Done()
			close(cancelled)
			return
		}
		r.Context().Done()
		_, _ = io.Copy(w, r.Body)
	})}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	for _, path := range []string{"/", "/gone"} {
		a, b := net.Pipe()
		l.conns <- b
		_, err := a.Write(request(t, "hello", "REQUEST_URI", path))
		require.NoError(t, err)
		if path == "/gone" {
			require.NoError(t, a.Close())
			received(t, cancelled)
			continue
		}
		answer, err := io.ReadAll(a)
		require.NoError(t, err)
		assert.Contains(t, string(answer), "hello")
	}
	shutdown(t, srv)
	assert.Equal(t, http.ErrServerClosed, received(t, served))
}

func TestShutdown(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	s := start(t, "unix", &Server{}, func(w http.ResponseWriter, _ *http.Request) {
		close(started)
		<-release
		_, _ = io.WriteString(w, "drained")
	})
	c := s.dial()
	_, err := c.Write(request(t, ""))
	require.NoError(t, err)
	received(t, started)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	assert.Equal(t, context.Canceled, s.Shutdown(ctx))
	_, err = net.Dial("unix", s.address)
	assert.Error(t, err)
	close(release)
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "drained")
	shutdown(t, s.Server)
	s.served <- received(t, s.served) // for the end of the test, too
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	require.NoError(t, err)
	assert.Equal(t, http.ErrServerClosed, s.Serve(l))
	_, err = l.Accept()
	assert.ErrorIs(t, err, net.ErrClosed)
}

func TestClose(t *testing.T) {
	started, cancelled := make(chan struct{}), make(chan struct{})
	s := start(t, "unix", &Server{}, func(_ http.ResponseWriter, r *http.Request) {
		close(started)
		<-r.Context().Done()
		close(cancelled)
	})
	c := s.dial()
	_, err := c.Write(request(t, ""))
	require.NoError(t, err)
	received(t, started)
	require.NoError(t, s.Close())
	_, err = io.ReadAll(c)
	assert.ErrorIs(t, err, unix.ECONNRESET)
	received(t, cancelled)
}

// failing fails to accept, first for now and then for good.
type failing struct {
	net.Listener
	calls atomic.Int32
}

func (f *failing) Accept() (net.Conn, error) {
	switch f.calls.Add(1) {
	case 1:
		return nil, unix.EMFILE
	case 2:
		return f.Listener.Accept()
	}
	return nil, errTest
}

func TestAcceptError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	logged := &logBuffer{}
	srv := &Server{Handler: http.HandlerFunc(hello), ErrorLog: log.New(logged, "", 0)}
	go func() { served <- srv.Serve(&failing{Listener: l}) }()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write(request(t, ""))
	require.NoError(t, err)
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "hello")
	assert.Equal(t, errTest, received(t, served))
	assert.Contains(t, logged.String(), "trying again")
}

// TestConcurrent has many connections at once, more than goroutines wait for.
func TestConcurrent(t *testing.T) {
	var inside sync.WaitGroup
	inside.Add(2 * maxWaiting)
	s := start(t, "unix", &Server{}, func(w http.ResponseWriter, r *http.Request) {
		inside.Done()
		inside.Wait()
		_, _ = io.WriteString(w, r.Header.Get("X-Number"))
	})
	for range 2 {
		var all sync.WaitGroup
		for i := range 2 * maxWaiting {
			all.Add(1)
			go func() {
				defer all.Done()
				number := strings.Repeat("n", i+1)
				assert.True(t, strings.HasSuffix(s.get("HTTP_X_NUMBER", number), "\r\n\r\n"+number))
			}()
		}
		all.Wait()
		inside.Add(2 * maxWaiting)
	}
	inside.Add(-2 * maxWaiting)
}

// TestBodyStops: a body that stops arriving is told after 10 s, as soon as by the adapter.
func TestBodyStops(t *testing.T) {
	t.Parallel()
	s := start(t, "unix", &Server{}, hello)
	c := s.dial()
	wire := request(t, "only", "REQUEST_URI", "/")
	_, err := c.Write(wire[:len(wire)-1])
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(40*time.Second)))
	answer, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "Status: 408 ")
}

// TestStalled: a web server that reads nothing of a response is cut off after SendTimeout;
// one that reads slowly isn't.
func TestStalled(t *testing.T) {
	const size = 8 << 20
	name := filepath.Join(t.TempDir(), "big")
	require.NoError(t, os.WriteFile(name, make([]byte, size), 0o600))
	for _, network := range []string{"unix", "tcp"} {
		for way, write := range map[string]func(w http.ResponseWriter) error{
			"at once": func(w http.ResponseWriter) error { _, err := w.Write(make([]byte, size)); return err },
			"in pieces": func(w http.ResponseWriter) (err error) {
				for i := 0; i < size && err == nil; i += 1000 {
					_, err = w.Write(make([]byte, 1000))
				}
				return err
			},
			"a file": func(w http.ResponseWriter) error {
				f, err := os.Open(name)
				require.NoError(t, err)
				defer f.Close()
				_, err = io.Copy(w, f)
				return err
			},
		} {
			t.Run(network+" "+way, func(t *testing.T) {
				t.Parallel()
				written := make(chan error, 1)
				handler := func(w http.ResponseWriter, _ *http.Request) { written <- write(w) }
				s := start(t, network, &Server{SendTimeout: 200 * time.Millisecond}, handler)
				c := s.dial()
				_, err := c.Write(request(t, "", "REQUEST_URI", "/path"))
				require.NoError(t, err)
				select {
				case err := <-written:
					assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
				case <-time.After(30 * time.Second):
					require.Fail(t, "the response is not given up")
				}
				require.Eventually(t, func() bool {
					return strings.Contains(s.log.String(), "GET /path: the web server has read nothing of the response for 200ms")
				}, 60*time.Second, time.Millisecond)

				s = start(t, network, &Server{SendTimeout: 3 * time.Second}, handler)
				c = s.dial()
				_, err = c.Write(request(t, ""))
				require.NoError(t, err)
				got := int64(0)
				for range 10 {
					n, err := io.CopyN(io.Discard, c, 100_000)
					require.NoError(t, err)
					got += n
					time.Sleep(400 * time.Millisecond) // it is what is tested
				}
				n, err := io.Copy(io.Discard, c)
				require.NoError(t, err)
				assert.NoError(t, <-written)
				assert.Greater(t, got+n, int64(size))
			})
		}
	}
}
