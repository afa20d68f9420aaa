package scgihttp

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parsed decodes a request.
func parsed(t *testing.T, vars ...string) (*http.Request, error) {
	t.Helper()
	req, err := scgi.ReadRequest(strings.NewReader(string(request(t, "", vars...))), nil)
	if err != nil {
		return nil, err
	}
	return newRequest(req)
}

func TestRequestTarget(t *testing.T) {
	for _, c := range []struct {
		name                          string
		vars                          []string
		url, path, escaped, uri, host string
	}{
		{"usual", []string{"REQUEST_URI", "/path?a=b", "HTTP_HOST", "example.com:8080"},
			"http://example.com:8080/path?a=b", "/path", "/path", "/path?a=b", "example.com:8080"},
		{"https", []string{"REQUEST_URI", "/p", "HTTP_HOST", "example.com", "HTTPS", "on"},
			"https://example.com/p", "/p", "/p", "/p", "example.com"},
		{"escaped slash", []string{"REQUEST_URI", "/a%2Fb/c", "HTTP_HOST", "h"}, "http://h/a%2Fb/c", "/a/b/c", "/a%2Fb/c", "/a%2Fb/c", "h"},
		{"two slashes", []string{"REQUEST_URI", "//a//b", "HTTP_HOST", "h"}, "http://h//a//b", "//a//b", "//a//b", "//a//b", "h"},
		{"two slashes, no host", []string{"REQUEST_URI", "//a/b"}, "//a/b", "//a/b", "//a/b", "//a/b", ""},
		{"asterisk", []string{"REQUEST_METHOD", "OPTIONS", "REQUEST_URI", "*", "HTTP_HOST", "h"}, "*", "*", "*", "*", "h"},
		{"absolute form", []string{"REQUEST_URI", "http://other.example/x?y", "HTTP_HOST", "h"},
			"http://other.example/x?y", "/x", "/x", "http://other.example/x?y", "other.example"},
		{"authority form", []string{"REQUEST_METHOD", "CONNECT", "REQUEST_URI", "example.com:443", "HTTP_HOST", "example.com:443"},
			"//example.com:443", "", "", "example.com:443", "example.com:443"},
		{"empty host", []string{"REQUEST_URI", "/path?a=b", "HTTP_HOST", ""}, "/path?a=b", "/path", "/path", "/path?a=b", ""},
		{"no host", []string{"REQUEST_URI", "/path"}, "/path", "/path", "/path", "/path", ""},
		{"last host", []string{"REQUEST_URI", "/", "HTTP_HOST", "wrong", "HTTP_HOST", "right"}, "http://right/", "/", "/", "/", "right"},
		{"IPv6", []string{"REQUEST_URI", "/", "HTTP_HOST", "[::1]:80"}, "http://[::1]:80/", "/", "/", "/", "[::1]:80"},
		{"no REQUEST_URI", []string{"SCRIPT_NAME", "/app", "PATH_INFO", "/a b%c?d", "QUERY_STRING", "q=1", "HTTP_HOST", "h"},
			"http://h/app/a%20b%25c%3Fd?q=1", "/app/a b%c?d", "/app/a%20b%25c%3Fd", "/app/a%20b%25c%3Fd?q=1", "h"},
		{"DOCUMENT_URI", []string{"DOCUMENT_URI", "/doc"}, "/doc", "/doc", "/doc", "/doc", ""},
		{"nothing", nil, "/", "/", "/", "/", ""},
		{"empty query", []string{"REQUEST_URI", "/x?"}, "/x?", "/x", "/x", "/x?", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := parsed(t, c.vars...)
			require.NoError(t, err)
			if c.name != "two slashes, no host" { // which a URL can't say otherwise
				assert.Equal(t, c.url, r.URL.String())
			}
			assert.Equal(t, c.path, r.URL.Path)
			assert.Equal(t, c.escaped, r.URL.EscapedPath())
			assert.Equal(t, c.uri, r.RequestURI)
			assert.Equal(t, c.host, r.Host)
		})
	}
}

func TestRequestHeader(t *testing.T) {
	for _, c := range []struct {
		name string
		vars []string
		want http.Header
	}{
		{"canonical", []string{"HTTP_FOO_BAR", "baz", "HTTP_USER_AGENT", "goclient", "HTTP_X_REAL_IP", "::1", "HTTP_lower_case", "x"},
			http.Header{"Foo-Bar": {"baz"}, "User-Agent": {"goclient"}, "X-Real-Ip": {"::1"}, "Lower-Case": {"x"}}},
		{"HTTP_ only", []string{"REMOTE_USER", "jane", "HTTPFOO", "x", "USER_AGENT", "y"}, http.Header{}},
		{"joined", []string{"HTTP_ACCEPT", "a", "HTTP_ACCEPT", "", "HTTP_ACCEPT", "b", "HTTP_X_A", "1", "HTTP_X_A", "2"},
			http.Header{"Accept": {"a, b"}, "X-A": {"1, 2"}}},
		{"cookies", []string{"HTTP_COOKIE", "a=1", "HTTP_COOKIE", "b=2"}, http.Header{"Cookie": {"a=1; b=2"}}},
		{"empty", []string{"HTTP_ACCEPT", "", "CONTENT_TYPE", ""}, http.Header{"Accept": {""}}},
		{"content type", []string{"CONTENT_TYPE", "text/xml", "HTTP_CONTENT_TYPE", "text/html"}, http.Header{"Content-Type": {"text/xml"}}},
		{"left out", []string{"HTTP_PROXY", "evil", "HTTP_CONTENT_LENGTH", "0", "HTTP_TRANSFER_ENCODING", "chunked", "HTTP_HOST", "h"}, http.Header{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := parsed(t, c.vars...)
			require.NoError(t, err)
			assert.Equal(t, c.want, r.Header)
		})
	}
	r, err := parsed(t, "HTTP_A", "1", "HTTP_B", "2")
	require.NoError(t, err)
	r.Header.Add("A", "more")
	assert.Equal(t, http.Header{"A": {"1", "more"}, "B": {"2"}}, r.Header, "values share no memory")
}

// TestRequestOracle compares with net/http/cgi where that is right.
func TestRequestOracle(t *testing.T) {
	env := map[string]string{
		"SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": "GET", "HTTP_HOST": "example.com", "HTTP_REFERER": "elsewhere",
		"HTTP_USER_AGENT": "goclient", "HTTP_FOO_BAR": "baz", "REQUEST_URI": "/path?a=b", "CONTENT_TYPE": "text/xml",
		"HTTPS": "1", "REMOTE_ADDR": "5.6.7.8", "REMOTE_PORT": "54321", "SERVER_NAME": "example.com", "QUERY_STRING": "a=b",
	}
	var vars []string
	for name, value := range env {
		vars = append(vars, name, value)
	}
	want, err := cgi.RequestFromMap(env)
	require.NoError(t, err)
	got, err := parsed(t, vars...)
	require.NoError(t, err)
	want.RequestURI = "/path?a=b"
	assert.Equal(t, want, got)
	assert.Equal(t, "5.6.7.8:54321", got.RemoteAddr)
	assert.NotNil(t, got.TLS)
}

func TestRequestRefused(t *testing.T) {
	for _, c := range []struct {
		vars []string
		err  *scgi.RequestError
	}{
		{[]string{"REQUEST_METHOD", ""}, scgi.ErrNoMethod},
		{[]string{"REQUEST_METHOD", "GET /"}, scgi.ErrMethod},
		{[]string{"REQUEST_METHOD", "bad\nmethod"}, scgi.ErrMethod},
		{[]string{"SERVER_PROTOCOL", "HTTP/one"}, scgi.ErrProtocol},
		{[]string{"SERVER_PROTOCOL", "FTP/1.0"}, scgi.ErrProtocol},
		{[]string{"HTTP_HOST", "exa mple"}, scgi.ErrHost},
		{[]string{"HTTP_HOST", "h/p"}, scgi.ErrHost},
		{[]string{"REQUEST_URI", "/a%zz"}, scgi.ErrTarget},
		{[]string{"REQUEST_URI", "/a\r\nb"}, scgi.ErrTarget},
		{[]string{"REQUEST_URI", "no-slash"}, scgi.ErrTarget},
		{[]string{"CONTENT_TYPE", "a\r\nb"}, scgi.ErrValue},
		{[]string{"HTTP_A(B", "x"}, scgi.ErrHeaderName},
		{[]string{"HTTP_", "x"}, scgi.ErrHeaderName},
	} {
		_, err := parsed(t, c.vars...)
		assert.Equal(t, error(c.err), err, "%q", c.vars)
	}
	for _, vars := range [][]string{{"SERVER_PROTOCOL", "INCLUDED"}, {"SERVER_PROTOCOL", "HTTP/2.0"}, {"SERVER_PROTOCOL", ""}, {"REQUEST_METHOD", "PROP-FIND"}} {
		_, err := parsed(t, vars...)
		assert.NoError(t, err, "%q", vars)
	}
}

func TestRequestBody(t *testing.T) {
	s := start(t, "unix", &Server{MaxBodyBytes: 300_000}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ignore" {
			return
		}
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, int64(len(body)), r.ContentLength)
		fmt.Fprintf(w, "%d %s", len(body), body[max(0, len(body)-3):])
		assert.NoError(t, r.Body.Close())
		_, err = r.Body.Read(make([]byte, 1))
		if len(body) > 0 {
			assert.Equal(t, http.ErrBodyReadAfterClose, err)
		}
	})
	for _, n := range []int{0, 1, 5, seenSize - 200, seenSize, 64 << 10, 64<<10 + 1, 300_000} {
		body := strings.Repeat("x", max(0, n-3)) + "end"[:min(3, n)]
		for _, extra := range []string{"", "more than was announced"} {
			if extra != "" && n > 64<<10 {
				continue // of a body that is still arriving nothing can be behind
			}
			wire := append(request(t, body, "REQUEST_METHOD", "POST", "REQUEST_URI", "/"), extra...)
			answer, err := s.raw(wire)
			require.NoError(t, err, "%d", n)
			assert.True(t, strings.HasSuffix(answer, fmt.Sprintf("\r\n\r\n%d %s", n, body[max(0, n-3):])), "%d: %q", n, answer)
		}
	}
	answer, err := s.ask(strings.Repeat("x", 200_000), "REQUEST_URI", "/ignore")
	require.NoError(t, err)
	assert.Contains(t, answer, "200 OK")
	answer, err = s.ask(strings.Repeat("x", 300_001), "REQUEST_URI", "/")
	require.NoError(t, err)
	assert.Contains(t, answer, "Status: 413 Content Too Large\r\n")
}

// TestMalformed sends the table of malformed requests; no handler sees one.
func TestMalformed(t *testing.T) {
	data, err := os.ReadFile("../testdata/malformed.txt")
	require.NoError(t, err)
	for _, network := range []string{"unix", "tcp"} {
		s := start(t, network, &Server{}, func(http.ResponseWriter, *http.Request) {
			t.Error("a handler has seen a malformed request")
		})
		for line := range strings.Lines(string(data)) {
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			wire, err := strconv.Unquote(line[strings.IndexByte(line, '"'):])
			require.NoError(t, err, "%s", line)
			c := s.dial()
			_, err = io.WriteString(c, wire)
			require.NoError(t, err)
			require.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
			answer, err := io.ReadAll(c)
			require.NoError(t, err, "%s", line)
			assert.True(t, strings.HasPrefix(string(answer), "Status: "+line[:3]+" "), "%s: %q", line, answer)
		}
		for _, vars := range [][]string{{"REQUEST_METHOD", "a b"}, {"HTTP_HOST", "a b"}, {"REQUEST_URI", "/%zz"}, {"HTTP_A;B", ""}} {
			answer, err := s.ask("a body", vars...)
			require.NoError(t, err)
			assert.True(t, strings.HasPrefix(answer, "Status: 400 Bad Request\r\n"), "%q", answer)
		}
	}
}

func TestProcessEnv(t *testing.T) {
	type key struct{}
	srv := &Server{ConnContext: func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, key{}, c.LocalAddr().Network())
	}}
	s := start(t, "unix", srv, func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), errTest, 1)) // as middleware does
		assert.Equal(t, map[string]string{"REMOTE_USER": "jane", "DOCUMENT_ROOT": "/srv", "SERVER_NAME": "b"}, ProcessEnv(r))
		assert.Equal(t, "unix", r.Context().Value(key{}))
		assert.Equal(t, "unix", r.Context().Value(http.LocalAddrContextKey).(net.Addr).Network())
		assert.Empty(t, SocketName(r))
		<-func() <-chan struct{} { // the values are there also when the connection is watched
			ctx, cancel := context.WithCancel(r.Context())
			cancel()
			return ctx.Done()
		}()
		assert.Equal(t, "unix", r.Context().Value(key{}))
		assert.NoError(t, r.Context().Err())
	})
	assert.Contains(t, s.get("REMOTE_USER", "jane", "DOCUMENT_ROOT", "/srv", "SERVER_NAME", "a", "SERVER_NAME", "b", "QUERY_STRING", "q",
		"SCRIPT_NAME", "/app", "PATH_INFO", "/", "REMOTE_ADDR", "::1", "HTTP_ACCEPT", "x"), "200 OK")
	assert.Nil(t, ProcessEnv(&http.Request{}))
}
