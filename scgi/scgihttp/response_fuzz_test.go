package scgihttp

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzResponse checks that an application sends one response at most: an accepted head has values without
// line breaks and NUL, and a body that is not longer than announced.
func FuzzResponse(f *testing.F) {
	f.Add([]byte("Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nbody"), "GET")
	f.Add([]byte("Status: 404 Not Found\nContent-Length: 2\n\nbody"), "POST")
	f.Add([]byte("Location: /a\n\n"), "HEAD")
	f.Add([]byte("Status: 304\r\nContent-Length: 10\r\n\r\n"), "GET")
	f.Add([]byte("Status: 200\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "GET")
	f.Add([]byte("Status: 200\r\nX: a\rb\r\n y\r\n\r\n"), "GET")
	f.Fuzz(func(t *testing.T, wire []byte, method string) {
		if !isToken(method) {
			return
		}
		resp, err := readResponse(&http.Request{Method: method}, bytes.NewReader(wire), 1000)
		if err != nil {
			require.True(t, errors.Is(err, ErrHead) || errors.Is(err, ErrNoHead) || errors.Is(err, ErrHeadTooLarge), "%v", err)
			return
		}
		require.True(t, resp.StatusCode >= 200 && resp.StatusCode <= 999)
		body, err := io.ReadAll(resp.Body)
		if resp.ContentLength >= 0 && method != http.MethodHead {
			require.True(t, int64(len(body)) <= resp.ContentLength || resp.StatusCode == http.StatusNotModified)
			require.Equal(t, resp.Body != http.NoBody && int64(len(body)) < resp.ContentLength, err != nil, "half a body is no body")
		}
		require.False(t, strings.ContainsAny(resp.Status, "\r\n"))
		for name, values := range resp.Header {
			for _, v := range values {
				require.False(t, strings.ContainsAny(name+v, "\r\n\x00"), "%q: %q", name, v)
			}
		}
	})
}
