package main

import (
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestWebSocketASGI checks the rules of the specification of HTTP and WebSocket
// (https://asgi.readthedocs.io/en/latest/specs/www.html). The name of each row is a sentence of it.
func TestWebSocketASGI(t *testing.T) {
	eachSocketMode(t, func(t *testing.T, a *invocation) {
		row := func(sentence string, test func(t *testing.T)) {
			t.Run(sentence, test)
		}
		row("The connection scope", func(t *testing.T) {
			conn, logged := a.connect()
			w := open(t, conn, "/describe?a=b", "HTTPS=on", "HTTP_X_A=1", "HTTP_SEC_WEBSOCKET_PROTOCOL=one,two", "REMOTE_ADDR=192.0.2.1", "REMOTE_PORT=5000")
			_, payload, err := w.frame()
			assert.NoError(t, err)
			for _, part := range []string{"('type', 'websocket')", "('scheme', 'wss')", "('subprotocols', ['one', 'two'])", "('query_string', b'a=b')",
				"('http_version', '1.1')", "('path', '/describe')", "('headers', [(b'x-a', b'1')])", "'spec_version': '2.5'", "('client', ('192.0.2.1', 5000))", "('state', {})"} {
				assert.Contains(t, payload, part)
			}
			assert.NotContains(t, payload, "method")
			w.closed(1000)
			logged()
		})
		row("An application that returns without a close", func(t *testing.T) {
			conn, logged := a.connect()
			open(t, conn, "/end").closed(1000)
			logged()
		})
		row("If the application dies the socket should be closed", func(t *testing.T) {
			conn, logged := a.connect()
			open(t, conn, "/fail").closed(1011)
			log := logged()
			assert.Contains(t, log, "ValueError: on purpose")
			assert.Contains(t, log, "GET /fail 101")
		})
		row("The server must close the socket with the close code passed in the message", func(t *testing.T) {
			conn, logged := a.connect()
			w := open(t, conn, "/close?4001,why")
			w.gets(closes, code(4001, "why"))
			w.send(closes, code(4001, ""))
			w.over()
			log := logged()
			assert.Contains(t, log, "RuntimeError unexpected websocket.send: the application has sent websocket.close")
			assert.Contains(t, log, "disconnect 4001")
		})
		row("Sent to the application when the connection to the client is lost", func(t *testing.T) {
			conn, logged := a.connect()
			w := open(t, conn, "/left")
			w.conn.Close()
			log := logged()
			assert.Contains(t, log, "disconnect 1006")
			assert.Contains(t, log, "OSError")
			assert.NotContains(t, log, "Traceback", "servers must not log it as an error")
		})
		row("A response before the handshake is complete", func(t *testing.T) {
			for path, expected := range map[string]string{"/deny": "403 ", "/response": "401 no entry", "/nothing": "500 ", "/early": "500 "} {
				conn, logged := a.connect()
				w := shake(t, conn, handshake(path))
				body, err := io.ReadAll(w.head.Body)
				assert.NoError(t, err, path)
				assert.True(t, strings.HasPrefix(w.head.Status+string(body), expected[:3]), "%s: %s %s", path, w.head.Status, body)
				assert.Contains(t, string(body), expected[4:], path)
				conn.Close()
				log := logged()
				assert.Contains(t, log, "GET "+path+" "+expected[:3])
				if path == "/nothing" {
					assert.Contains(t, log, "the application returned without websocket.accept or websocket.close")
				}
			}
		})
		row("Messages in the wrong order, or with the wrong keys", func(t *testing.T) {
			conn, logged := a.connect()
			w := open(t, conn, "/wrong")
			w.gets(text, strings.Join([]string{
				"RuntimeError: expected websocket.accept, websocket.close or websocket.http.response.start, got websocket.send",
				"ValueError: 'unknown' is no subprotocol that the client offers",
				"ValueError: sec-websocket-protocol is a header of the server: a subprotocol has a key of its own",
				"TypeError: the name and the value of a header must be bytes, not str and str",
				"RuntimeError: expected websocket.send or websocket.close, got websocket.accept",
				"ValueError: websocket.send has either text or bytes",
				"ValueError: websocket.send has either text or bytes",
				"TypeError: text is str, and bytes are bytes, not bytes",
				"ValueError: 1006 is no close code: those of an application are 1000 and from 3000 to 4999",
				"ValueError: the reason of a close has 124 bytes: 123 is the most",
				"RuntimeError: expected websocket.send or websocket.close, got websocket.http.response.start"}, "\n"))
			w.closed(1000)
			logged()
		})
		row("A large message", func(t *testing.T) {
			conn, logged := a.connect()
			w := open(t, conn, "/big?20000000")
			w.gets(binaryData, strings.Repeat("x", 20_000_000))
			w.send(closes, code(1000, ""))
			w.closed(1000)
			log := logged()
			assert.Contains(t, log, "GET /big 101 20000014 bytes")
		})
		row("Servers should send PING messages as necessary to ensure the connection is alive", func(t *testing.T) {
			conn, logged := a.connect()
			w := open(t, conn, "/ping?0.2")
			for range 2 {
				first, payload, err := w.frame()
				assert.NoError(t, err)
				assert.EqualValues(t, pings, first)
				w.send(pongs, payload)
			}
			first, _, _ := w.frame()
			assert.EqualValues(t, pings, first)
			assert.Equal(t, "no answer to a ping", w.closed(1011))
			log := logged()
			assert.Contains(t, log, "disconnect 1006 no answer to a ping for 0.2 seconds")
		})
	})
}

// TestWebSocketStopped stops the service: open WebSockets are closed with 1012, and the application can end.
func TestWebSocketStopped(t *testing.T) {
	eachSocketMode(t, func(t *testing.T, a *invocation) {
		var conn io.Closer
		var p *process
		var w *webSocket
		if a.listens {
			c, _ := a.connect()
			w, p, conn = open(t, c, "/echo"), a.process, c
		} else {
			c, started := a.start()
			w, p, conn = open(t, c, "/echo"), started, c
		}
		defer conn.Close()
		w.send(text, "a")
		w.gets(text, "a")
		assert.NoError(t, p.cmd.Process.Signal(syscall.SIGTERM))
		w.gets(closes, code(1012, ""))
		w.send(closes, code(1012, ""))
		w.over()
		assert.Contains(t, p.wait(t), "disconnect 1012")
		a.unit, a.process = nil, nil
	})
}
