package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Opcodes, with the bit of a last fragment (RFC 6455 5.2).
const (
	text, binaryData, closes, pings, pongs = 0x81, 0x82, 0x88, 0x89, 0x8a
	more                                   = 0x7f // without it: first & more
)

// webSocket is the connection of a client behind a web server.
type webSocket struct {
	t    *testing.T
	conn net.Conn
	read *bufio.Reader
	head *http.Response
}

// handshake returns the variables of a WebSocket request for a path; others are NAME=VALUE, or NAME to omit
// one.
func handshake(path string, others ...string) (params []scgi.Header) {
	path, query, _ := strings.Cut(path, "?")
	for _, v := range append([]string{"REQUEST_METHOD=GET", "SCRIPT_NAME=", "PATH_INFO=" + path, "QUERY_STRING=" + query, "SERVER_NAME=localhost",
		"SERVER_PORT=80", "SERVER_PROTOCOL=HTTP/1.1", "HTTP_HOST=localhost", "HTTP_UPGRADE=websocket", "HTTP_CONNECTION=Upgrade",
		"HTTP_SEC_WEBSOCKET_VERSION=13", "HTTP_SEC_WEBSOCKET_KEY=dGhlIHNhbXBsZSBub25jZQ=="}, others...) {
		name, value, set := strings.Cut(v, "=")
		for i, h := range params {
			if h.Name == name {
				params = append(params[:i:i], params[i+1:]...)
			}
		}
		if set {
			params = append(params, scgi.Header{Name: name, Value: value})
		}
	}
	return params
}

// shake sends a WebSocket request, and reads the head of the response.
func shake(t *testing.T, conn net.Conn, params []scgi.Header) *webSocket {
	t.Helper()
	require.NoError(t, conn.SetDeadline(time.Now().Add(15*time.Second)))
	request, err := scgi.AppendRequest(nil, 0, params)
	require.NoError(t, err)
	_, err = conn.Write(request)
	require.NoError(t, err)
	w := &webSocket{t: t, conn: conn, read: bufio.NewReader(conn)}
	status, err := w.read.ReadString('\n')
	require.NoError(t, err)
	w.head, err = http.ReadResponse(bufio.NewReader(io.MultiReader(strings.NewReader("HTTP/1.1 "+strings.TrimPrefix(status, "Status: ")), w.read)), nil)
	require.NoError(t, err)
	return w
}

// open is shake for an accepted handshake.
func open(t *testing.T, conn net.Conn, path string, others ...string) *webSocket {
	t.Helper()
	require.NoError(t, conn.SetDeadline(time.Now().Add(15*time.Second)))
	request, err := scgi.AppendRequest(nil, 0, handshake(path, others...))
	require.NoError(t, err)
	_, err = conn.Write(request)
	require.NoError(t, err)
	w := &webSocket{t: t, conn: conn, read: bufio.NewReader(conn), head: &http.Response{Header: http.Header{}}}
	for first := true; ; first = false {
		line, err := w.read.ReadString('\n')
		require.NoError(t, err)
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if first {
			require.Equal(t, "Status: 101 Switching Protocols", name+": "+value)
		} else if name == "" {
			return w
		}
		w.head.Header.Add(name, value)
	}
}

// masked returns a frame of a client.
func masked(first byte, payload string) []byte {
	mask := []byte{0x37, 0xfa, 0x21, 0x3d} // 5.7
	b := []byte{first}
	switch n := len(payload); {
	case n > 65535:
		b = binary.BigEndian.AppendUint64(append(b, 0xff), uint64(n))
	case n > 125:
		b = binary.BigEndian.AppendUint16(append(b, 0xfe), uint16(n))
	default:
		b = append(b, 0x80|byte(n))
	}
	b = append(b, mask...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

func (w *webSocket) write(wire ...[]byte) {
	w.t.Helper()
	for _, b := range wire {
		_, err := w.conn.Write(b)
		require.NoError(w.t, err)
	}
}

func (w *webSocket) send(first byte, payload string) { w.t.Helper(); w.write(masked(first, payload)) }

// frame reads one frame.
func (w *webSocket) frame() (first byte, payload string, err error) {
	var head [2]byte
	if _, err = io.ReadFull(w.read, head[:]); err != nil {
		return 0, "", err
	}
	n := uint64(head[1]) // a server masks nothing (5.1)
	switch n {
	case 126:
		var length uint16
		err = binary.Read(w.read, binary.BigEndian, &length)
		n = uint64(length)
	case 127:
		err = binary.Read(w.read, binary.BigEndian, &n)
	}
	if err == nil {
		b := make([]byte, n)
		_, err = io.ReadFull(w.read, b)
		payload = string(b)
	}
	return head[0], payload, err
}

// gets expects a frame.
func (w *webSocket) gets(first byte, payload string) {
	w.t.Helper()
	f, p, err := w.frame()
	require.NoError(w.t, err)
	require.Equal(w.t, fmt.Sprintf("%#x", first), fmt.Sprintf("%#x", f), "%q", p)
	if len(p) > 1000 || len(payload) > 1000 {
		require.True(w.t, p == payload, "%d bytes, not %d", len(p), len(payload))
		return
	}
	require.Equal(w.t, payload, p)
}

// code returns the payload of a close frame.
func code(n uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, n)) + reason
}

// closed expects a close frame with a code (0: none), and the end of the connection, which the server closes first.
func (w *webSocket) closed(n uint16) (reason string) {
	w.t.Helper()
	f, p, err := w.frame()
	require.NoError(w.t, err)
	require.EqualValues(w.t, closes, f, "%q", p)
	if n == 0 {
		require.Empty(w.t, p)
	} else {
		require.GreaterOrEqual(w.t, len(p), 2)
		require.Equal(w.t, n, binary.BigEndian.Uint16([]byte(p)), "%q", p)
		reason = p[2:]
	}
	_, _ = w.conn.Write(masked(closes, p[:min(len(p), 2)])) // unless the client was first, or it is a failure
	w.over()
	return reason
}

// over expects the end of the connection.
func (w *webSocket) over() {
	w.t.Helper()
	rest, err := io.ReadAll(w.read)
	if !errors.Is(err, syscall.ECONNRESET) {
		require.NoError(w.t, err)
	}
	require.Empty(w.t, rest)
	w.conn.Close()
}

const socketApp = "testdata/websocket.py"

// eachSocketMode runs a test with a process for each connection, with fresh processes and with warm workers.
func eachSocketMode(t *testing.T, test func(t *testing.T, a *invocation), args ...string) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, python string) {
		for _, mode := range []string{"single", "fresh", "warm"} {
			t.Run(mode, func(t *testing.T) {
				t.Parallel()
				a := &invocation{t: t, args: append(append([]string{"--python", python}, args...), socketApp)}
				if a.listens = mode != "single"; mode == "fresh" {
					a.args = append([]string{"--max-requests", "1"}, a.args...)
				}
				test(t, a)
				a.end()
			})
		}
	})
}

// TestWebSocket checks a WebSocket from the handshake to the record, in each mode.
func TestWebSocket(t *testing.T) {
	eachSocketMode(t, func(t *testing.T, a *invocation) {
		conn, logged := a.connect()
		w := open(t, conn, "/echo", "HTTP_SEC_WEBSOCKET_PROTOCOL=chat, superchat")
		assert.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", w.head.Header.Get("Sec-WebSocket-Accept"), "the example of 1.3")
		assert.Equal(t, "superchat", w.head.Header.Get("Sec-WebSocket-Protocol"))
		assert.Equal(t, "websocket", w.head.Header.Get("Upgrade"))
		assert.Equal(t, "Upgrade", w.head.Header.Get("Connection"))
		w.send(text, "hello ω")
		w.gets(text, "hello ω")
		large := strings.Repeat("\x00\xff", 35_000)
		w.send(binaryData, large)
		w.gets(binaryData, large)
		w.send(pings, "are you there?")
		w.gets(pongs, "are you there?")
		w.send(closes, code(4321, "bye"))
		w.closed(4321)
		log := logged()
		assert.Contains(t, log, "disconnect 4321 bye")
		assert.Contains(t, log, "101")
		assert.NotContains(t, log, "Traceback")
	})
}

// TestWebSocketTimeout keeps a WebSocket open for longer than the timeout of requests. After the close, the
// timeout applies to the rest of the application.
func TestWebSocketTimeout(t *testing.T) {
	eachSocketMode(t, func(t *testing.T, a *invocation) {
		conn, logged := a.connect()
		w := open(t, conn, "/stay?6.5")
		w.gets(text, "still here")
		w.send(closes, "")
		w.closed(0)
		log := logged()
		assert.Contains(t, log, "disconnect 1005")
	}, "--timeout", "6s")
}
