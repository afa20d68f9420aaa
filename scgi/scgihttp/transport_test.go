package scgihttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// asked is what an application sees of a request.
type asked struct {
	params map[string]string
	body   string
	err    error
}

// application answers each connection with f, which gets the request when read is set,
// and closes it.
func application(t *testing.T, read bool, f func(c *scgi.Conn, a asked)) *Transport {
	t.Helper()
	return &Transport{Dial: func(context.Context) (net.Conn, error) {
		fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return nil, err
		}
		go func() {
			c := scgi.NewConn(fds[1])
			defer c.Close()
			var got asked
			if read {
				var req *scgi.Request
				if req, got.err = scgi.ReadRequest(c, nil); got.err == nil {
					got.params = map[string]string{}
					for name, value := range req.Headers() {
						got.params[name] = value
					}
					got.body = string(req.Body.Data)
				}
			}
			f(c, got)
		}()
		a := os.NewFile(uintptr(fds[0]), "client")
		defer a.Close()
		return net.FileConn(a)
	}}
}

// answering is an application that answers these bytes, and ends well.
func answering(t *testing.T, answer string) *Transport {
	return application(t, true, func(c *scgi.Conn, _ asked) {
		_, _ = io.WriteString(c, answer) // the client may not want it
		c.Finish(timeout)
	})
}

func newRequestTo(t *testing.T, method, target string, body io.Reader) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, target, body)
	require.NoError(t, err)
	return r
}

func TestTransportResponse(t *testing.T) {
	for _, c := range []struct {
		name, method, answer string
		status               string
		length               int64
		body                 string
		header               http.Header
	}{
		{"usual", "GET", "Status: 201 Made\r\nContent-Length: 2\r\n\r\nhi", "201 Made", 2, "hi", http.Header{"Content-Length": {"2"}}},
		{"bare LF", "GET", "Content-Type: a/b\n\nhi", "200 OK", -1, "hi", http.Header{"Content-Type": {"a/b"}}},
		{"location", "GET", "Location: /x\r\n\r\n", "302 Found", -1, "", http.Header{"Location": {"/x"}}},
		{"location and status", "GET", "Status: 201 Created\r\nLocation: /x\r\n\r\n", "201 Created", -1, "", http.Header{"Location": {"/x"}}},
		{"status without phrase", "GET", "Status: 404\r\n\r\n", "404", -1, "", http.Header{}},
		{"more than its length", "GET", "Content-Length: 2\r\n\r\nhi there", "200 OK", 2, "hi", http.Header{"Content-Length": {"2"}}},
		{"HEAD", "HEAD", "Content-Length: 2\r\n\r\nhi", "200 OK", 2, "", http.Header{"Content-Length": {"2"}}},
		{"no content", "GET", "Status: 204 No Content\r\n\r\n", "204 No Content", 0, "", http.Header{}},
		{"not modified", "GET", "Status: 304 Not Modified\r\nEtag: x\r\n\r\n", "304 Not Modified", 0, "", http.Header{"Etag": {"x"}}},
		{"large", "GET", "X: y\r\n\r\n" + strings.Repeat("x", 1000_000), "200 OK", -1, strings.Repeat("x", 1000_000), http.Header{"X": {"y"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, err := answering(t, c.answer).RoundTrip(newRequestTo(t, c.method, "http://h/", nil))
			require.NoError(t, err)
			assert.Equal(t, c.status, resp.Status)
			assert.Equal(t, c.length, resp.ContentLength)
			assert.Equal(t, c.header, resp.Header)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.True(t, c.body == string(body), "%.100q", body)
			assert.NoError(t, resp.Body.Close())
			assert.NoError(t, resp.Body.Close())
		})
	}
}

func TestTransportHeadErrors(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		err          error
	}{
		{"nothing", "", ErrNoHead},
		{"no end", "Status: 200 OK\r\nX: y\r\n", ErrNoHead},
		{"no end of a line", "Status: 200 OK", ErrNoHead},
		{"too large", "X: " + strings.Repeat("y", 1000) + "\r\n\r\n", ErrHeadTooLarge},
		{"empty", "\r\nhello", ErrHead},
		{"not a head", "Traceback (most recent call last)\r\n\r\n", ErrHead},
		{"HTTP", "HTTP/1.1 200 OK\r\n\r\n", ErrHead},
		{"informational", "Status: 100 Continue\r\n\r\n", ErrHead},
		{"status", "Status: OK\r\n\r\n", ErrHead},
		{"long status", "Status: 2000\r\n\r\n", ErrHead},
		{"length", "Content-Length: -1\r\n\r\n", ErrHead},
		{"two lengths", "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", ErrHead},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := answering(t, c.answer)
			tr.MaxHeaderBytes = 1000
			_, err := tr.RoundTrip(newRequestTo(t, "GET", "http://h/", nil))
			assert.ErrorIs(t, err, c.err)
		})
	}
	tr := application(t, true, func(c *scgi.Conn, _ asked) { c.Close() })
	_, err := tr.RoundTrip(newRequestTo(t, "GET", "http://h/", nil))
	assert.ErrorIs(t, err, ErrNoHead, "a reset")
}

func TestTransportCutBody(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		reset        bool
		err          error
	}{
		{"short", "Content-Length: 10\r\n\r\nshort", false, io.ErrUnexpectedEOF},
		{"reset, with length", "Content-Length: 10\r\n\r\nshort", true, unix.ECONNRESET},
		{"reset, without length", "X: y\r\n\r\nshort", true, unix.ECONNRESET},
	} {
		t.Run(c.name, func(t *testing.T) {
			tr := application(t, true, func(conn *scgi.Conn, _ asked) {
				_, err := io.WriteString(conn, c.answer)
				assert.NoError(t, err)
				if c.reset {
					conn.Close()
				} else {
					conn.Finish(timeout)
				}
			})
			resp, err := tr.RoundTrip(newRequestTo(t, "GET", "http://h/", nil))
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			assert.ErrorIs(t, err, c.err)
			assert.Equal(t, "short", string(body))
			assert.NoError(t, resp.Body.Close())
		})
	}
}

// unknown hides the length of a body.
func unknown(s string) io.Reader { return iotest.OneByteReader(strings.NewReader(s)) }

func TestTransportRequestBody(t *testing.T) {
	for _, c := range []struct {
		name string
		body io.Reader
		set  int64 // ContentLength in place of http.NewRequest's
		want string
		err  error
	}{
		{"none", nil, 0, "", nil},
		{"known", strings.NewReader("hello"), 0, "hello", nil},
		{"empty", strings.NewReader(""), 0, "", nil},
		{"unknown", unknown("hello"), -1, "hello", nil},
		{"unknown by zero", unknown("hello"), 0, "hello", nil},
		{"unknown and empty", unknown(""), -1, "", nil},
		{"as large as may be", unknown(strings.Repeat("x", 100)), -1, strings.Repeat("x", 100), nil},
		{"too large", unknown(strings.Repeat("x", 101)), -1, "", ErrBodyTooLarge},
		{"unknown, unreadable", iotest.ErrReader(errTest), -1, "", errTest},
		{"shorter than said", unknown("hello"), 10, "", io.ErrUnexpectedEOF},
		{"unreadable", io.MultiReader(unknown("hello"), iotest.ErrReader(errTest)), 10, "", errTest},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := make(chan asked, 1)
			tr := application(t, true, func(conn *scgi.Conn, a asked) {
				got <- a
				_, _ = conn.Write(scgi.AppendError(nil, 200, "", ""))
				conn.Finish(timeout)
			})
			tr.MaxBuffer = 100
			closed := make(chan struct{})
			r := newRequestTo(t, "POST", "http://h/", c.body)
			if c.body != nil {
				if r.ContentLength == 0 {
					r.ContentLength = c.set
				}
				if r.Body != http.NoBody {
					r.Body = &closing{r.Body, closed}
				}
			}
			resp, err := tr.RoundTrip(r)
			if c.err != nil {
				assert.ErrorIs(t, err, c.err)
			} else {
				require.NoError(t, err)
				a := received(t, got)
				assert.Equal(t, c.want, a.body)
				assert.Equal(t, fmt.Sprint(len(c.want)), a.params["CONTENT_LENGTH"])
				assert.NoError(t, resp.Body.Close())
			}
			if _, ok := r.Body.(*closing); ok {
				received(t, closed)
			}
		})
	}
}

type closing struct {
	io.ReadCloser
	closed chan struct{}
}

func (c *closing) Close() error {
	close(c.closed)
	return c.ReadCloser.Close()
}

// TestTransportEarlyAnswer: an application answers without having read the body, of
// which the rest never comes.
func TestTransportEarlyAnswer(t *testing.T) {
	body, more := io.Pipe()
	defer more.Close()
	tr := application(t, false, func(c *scgi.Conn, _ asked) {
		_, _ = c.Write(scgi.AppendError(nil, 413, "", "no"))
		c.Finish(timeout)
	})
	r := newRequestTo(t, "POST", "http://h/", body)
	r.ContentLength = 1 << 20
	resp, err := tr.RoundTrip(r)
	require.NoError(t, err)
	assert.Equal(t, 413, resp.StatusCode)
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.Equal(t, "no\n", string(data))
	assert.NoError(t, resp.Body.Close())
}

func TestTransportCancel(t *testing.T) {
	// While waiting for the head, and while reading the body.
	for _, answer := range []string{"", "X: y\r\n\r\nsome"} {
		gone := make(chan struct{})
		started := make(chan struct{})
		tr := application(t, true, func(c *scgi.Conn, _ asked) {
			_, err := io.WriteString(c, answer)
			assert.NoError(t, err)
			close(started)
			_, _ = io.ReadFull(c, make([]byte, 2)) // one byte is still in the socket
			close(gone)
		})
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			<-started
			if answer == "" {
				cancel()
			}
		}()
		resp, err := tr.RoundTrip(newRequestTo(t, "GET", "http://h/", nil).WithContext(ctx))
		if answer == "" {
			assert.ErrorIs(t, err, context.Canceled)
		} else {
			require.NoError(t, err)
			_, err = io.ReadFull(resp.Body, make([]byte, 4))
			require.NoError(t, err)
			cancel()
			_, err = io.ReadAll(resp.Body)
			assert.Equal(t, context.Canceled, err)
			assert.NoError(t, resp.Body.Close())
		}
		received(t, gone)
		cancel()
	}
}

func TestTransportAddress(t *testing.T) {
	for _, network := range []string{"unix", "tcp"} {
		s := start(t, network, &Server{}, hello)
		resp, err := (&http.Client{Transport: &Transport{Address: network + ":" + s.address}}).Get("http://h/")
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "hello, world\n", string(body))
		assert.NoError(t, resp.Body.Close())
	}
	for _, address := range []string{"", "unix", "udp:127.0.0.1:1", "/run/app.sock"} {
		_, err := (&Transport{Address: address}).RoundTrip(newRequestTo(t, "GET", "http://h/", nil))
		assert.ErrorContains(t, err, "neither unix:/PATH nor tcp:HOST:PORT")
	}
	closed := make(chan struct{})
	r := newRequestTo(t, "POST", "http://h/", &closing{io.NopCloser(strings.NewReader("x")), closed})
	_, err := (&Transport{Address: "unix:" + filepath.Join(t.TempDir(), "none")}).RoundTrip(r)
	assert.ErrorIs(t, err, unix.ENOENT)
	received(t, closed)
	r = newRequestTo(t, "GET", "http://h/", nil)
	r.Header["X"] = []string{"a\x00b"}
	_, err = (&Transport{}).RoundTrip(r)
	assert.ErrorIs(t, err, scgi.ErrEncode)
}

func TestTransportParams(t *testing.T) {
	got := make(chan asked, 1)
	tr := application(t, true, func(c *scgi.Conn, a asked) {
		got <- a
		_, _ = c.Write(scgi.AppendError(nil, 200, "", ""))
		c.Finish(timeout)
	})
	tr.Mount, tr.Params = "/app", []scgi.Header{{Name: "REMOTE_USER", Value: "me"}}
	r := newRequestTo(t, "", "https://example.com:8443/app/a%2Fb?q=1", nil)
	r.Method, r.RemoteAddr = "", "192.0.2.1:5"
	r.Header = http.Header{"Cookie": {"a=1", "b=2"}, "Accept": {"x", "y"}, "Content-Type": {"a/b"}, "X_Y": {"no"}, "Proxy": {"no"}, "Connection": {"no"}}
	resp, err := tr.RoundTrip(r)
	require.NoError(t, err)
	assert.NoError(t, resp.Body.Close())
	assert.Equal(t, map[string]string{
		"CONTENT_LENGTH": "0", "SCGI": "1", "REQUEST_METHOD": "GET", "REQUEST_URI": "/app/a%2Fb?q=1", "QUERY_STRING": "q=1",
		"CONTENT_TYPE": "a/b", "DOCUMENT_URI": "/app/a/b", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_SCHEME": "https", "HTTPS": "on",
		"SERVER_NAME": "example.com", "SERVER_PORT": "8443", "SCRIPT_NAME": "/app", "PATH_INFO": "/a/b",
		"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "5", "HTTP_HOST": "example.com:8443", "HTTP_COOKIE": "a=1; b=2", "HTTP_ACCEPT": "x, y",
		"REMOTE_USER": "me",
	}, received(t, got).params)
}

// TestReverseProxy puts an HTTP front before a server in five lines.
func TestReverseProxy(t *testing.T) {
	s := start(t, "unix", &Server{}, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			_, _ = io.WriteString(w, "some")
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/none":
			panic(http.ErrAbortHandler)
		}
		assert.Equal(t, "/a%2Fb", r.URL.EscapedPath())
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		w.Header().Add("Set-Cookie", "a=1")
		w.Header().Add("Set-Cookie", "b=2")
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write(bytes.ToUpper(body))
	})
	target := &url.URL{Scheme: "http", Host: "app"}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.Transport = &Transport{Address: "unix:" + s.address}
	proxy.ErrorLog = s.Server.ErrorLog
	front := httptest.NewServer(proxy)
	defer front.Close()

	for _, body := range []io.Reader{strings.NewReader("hello"), unknown("hello")} { // the second is sent in chunks
		resp, err := http.Post(front.URL+"/a%2Fb", "text/plain", body)
		require.NoError(t, err)
		data, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.NoError(t, resp.Body.Close())
		assert.Equal(t, "HELLO", string(data))
		assert.Equal(t, http.StatusTeapot, resp.StatusCode)
		assert.Equal(t, []string{"a=1", "b=2"}, resp.Header["Set-Cookie"])
	}
	resp, err := http.Get(front.URL + "/cut")
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	assert.True(t, errors.Is(err, io.ErrUnexpectedEOF), "%v", err)
	assert.NoError(t, resp.Body.Close())
	resp, err = http.Get(front.URL + "/none")
	require.NoError(t, err)
	assert.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusBadGateway, resp.StatusCode)
}
