package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWarmBodies sends bodies of all sizes to the same worker, at once and in pieces.
func TestWarmBodies(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		app := program(t, `
import hashlib, os
def application(e, s):
    body = e['wsgi.input'].read()
    s('200 OK', [('X-Worker', str(os.getpid()))])
    return [(hashlib.sha256(body).hexdigest() + ' %d' % len(body)).encode()]
`)
		u, p := warmUnit(t, python, "--workers", "1", app)
		worker := u.get("/").header.Get("X-Worker")
		for _, size := range []int{0, 1, 60 << 10, 64 << 10, 64<<10 + 1, 1<<20 + 1, 3 << 20} {
			body := bytes.Repeat([]byte("0123456789abcdef\n"), size/17+1)[:size]
			want := fmt.Sprintf("%x %d", sha256.Sum256(body), size)
			got := u.do("POST", "/", bytes.NewReader(body))
			require.NoError(t, got.err)
			assert.Equal(t, want, got.body)
			assert.Equal(t, worker, got.header.Get("X-Worker"))

			header, err := scgi.AppendRequest(nil, int64(size), []scgi.Header{{Name: "REQUEST_METHOD", Value: "POST"}, {Name: "PATH_INFO", Value: "/"}})
			require.NoError(t, err)
			conn := u.raw(header[:10])
			for _, piece := range [][]byte{header[10 : len(header)-1], header[len(header)-1:], body[:size/3], body[size/3 : size/2], body[size/2:]} {
				if len(piece) == 0 {
					continue
				}
				assert.Equal(t, 200, u.get("/").status, "meanwhile others are served")
				_, err = conn.Write(piece)
				require.NoError(t, err)
			}
			assert.Contains(t, answered(t, conn), want)
		}
		p.stop(t)
	})
}

// TestWarmStreams reads a response while it is made, and leaves in the middle of another.
func TestWarmStreams(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		app := program(t, `
import os
class Endless:
    def __iter__(self):
        while True:
            yield b'x' * 65536
    def close(self):
        with open('DIR/closed', 'a') as f:
            f.write('closed')
def stream(gate):
    yield b'first'
    open(gate).read()
    yield b'second'
def application(e, s):
    s('200 OK', [])
    if e['PATH_INFO'] == '/stream':
        return stream(e['QUERY_STRING'])
    if e['PATH_INFO'] == '/endless':
        return Endless()
    return [b'%d' % os.getpid()]
`)
		u, p := warmUnit(t, python, "--workers", "1", app)
		worker := u.get("/").body
		path, open := gate(t)
		conn := u.raw(query(t, "/stream", path))
		got := ""
		buf := make([]byte, 1000)
		for !strings.HasSuffix(got, "first") {
			n, err := conn.Read(buf)
			require.NoError(t, err)
			got += string(buf[:n])
		}
		open()
		assert.Equal(t, "second", answered(t, conn), "and the end is seen")

		conn = u.raw(query(t, "/endless", ""))
		_, err := io.ReadFull(conn, buf)
		require.NoError(t, err)
		conn.Close()
		assert.Equal(t, worker, u.get("/").body, "the worker goes on")
		closed, err := os.ReadFile(filepath.Join(filepath.Dir(app), "closed"))
		require.NoError(t, err)
		assert.Equal(t, "closed", string(closed))
		assert.Contains(t, p.stop(t), "GET /endless 499 ")
	})
}
