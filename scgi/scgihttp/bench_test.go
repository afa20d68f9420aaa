package scgihttp

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/fcgi"
	"path/filepath"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/require"
)

// nginxHeader is what nginx sends for a browser, but for CONTENT_LENGTH and SCGI.
var nginxHeader = []scgi.Header{
	{Name: "REQUEST_METHOD", Value: "GET"}, {Name: "REQUEST_URI", Value: "/app/page?id=42"}, {Name: "QUERY_STRING", Value: "id=42"},
	{Name: "CONTENT_TYPE", Value: ""}, {Name: "DOCUMENT_URI", Value: "/app/page"}, {Name: "DOCUMENT_ROOT", Value: "/usr/share/nginx/html"},
	{Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"}, {Name: "REQUEST_SCHEME", Value: "http"}, {Name: "REMOTE_ADDR", Value: "192.0.2.7"},
	{Name: "REMOTE_PORT", Value: "52114"}, {Name: "SERVER_PORT", Value: "80"}, {Name: "SERVER_NAME", Value: "example.com"},
	{Name: "HTTP_HOST", Value: "example.com"}, {Name: "HTTP_ACCEPT_LANGUAGE", Value: "en-US,en;q=0.5"},
	{Name: "HTTP_USER_AGENT", Value: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	{Name: "HTTP_ACCEPT", Value: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
	{Name: "HTTP_ACCEPT_ENCODING", Value: "gzip, deflate, br"}, {Name: "HTTP_CONNECTION", Value: "keep-alive"},
	{Name: "HTTP_COOKIE", Value: "session=0123456789abcdef0123456789abcdef"}, {Name: "HTTP_REFERER", Value: "https://example.com/app/"},
}

func hello(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	_, _ = io.WriteString(w, "hello, world\n")
}

// fcgiRequest is the same request as FastCGI's records.
func fcgiRequest(header []scgi.Header) []byte {
	var params []byte
	for _, h := range header {
		params = append(params, byte(len(h.Name)), byte(len(h.Value))) // all are shorter than 128
		params = append(append(params, h.Name...), h.Value...)
	}
	record := func(dst []byte, kind byte, content []byte) []byte {
		dst = append(dst, 1, kind, 0, 1)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(content)))
		return append(append(dst, 0, 0), content...)
	}
	wire := record(nil, 1, []byte{0, 1, 0, 0, 0, 0, 0, 0}) // begin, responder
	wire = record(wire, 4, params)
	wire = record(wire, 4, nil)
	return record(wire, 5, nil)
}

// BenchmarkRequest compares one request, its connection included, with net/http/fcgi:
// time and allocations, the client's among them.
func BenchmarkRequest(b *testing.B) {
	request, err := scgi.AppendRequest(nil, 0, nginxHeader)
	require.NoError(b, err)
	for _, c := range []struct {
		name  string
		serve func(net.Listener, http.Handler) error
		wire  []byte
	}{
		{"scgihttp", Serve, request},
		{"fcgi", fcgi.Serve, fcgiRequest(nginxHeader)},
	} {
		b.Run(c.name, func(b *testing.B) {
			l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
			require.NoError(b, err)
			served := make(chan error, 1)
			go func() { served <- c.serve(l, http.HandlerFunc(hello)) }()
			buf := make([]byte, 4096)
			address := l.Addr().(*net.UnixAddr)
			b.ReportAllocs()
			for b.Loop() {
				conn, err := net.DialUnix("unix", nil, address)
				require.NoError(b, err)
				_, err = conn.Write(c.wire)
				require.NoError(b, err)
				n := 0
				for err == nil {
					var m int
					m, err = conn.Read(buf[n:])
					n += m
				}
				if !errors.Is(err, io.EOF) || !strings.Contains(string(buf[:n]), "hello, world") {
					b.Fatalf("%q, %v", buf[:n], err)
				}
				conn.Close()
			}
			l.Close()
			<-served
		})
	}
}
