package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// socketRow is a rule of RFC 6455, with what a client sends to test it and what it receives.
type socketRow struct {
	rule  string // the section and the sentence
	sends [][]byte
	gets  []string // frames as "TYPE PAYLOAD"; the last one may be "close CODE"
}

var frameTypes = map[byte]string{text: "text", binaryData: "binary", closes: "close", pings: "ping", pongs: "pong"}

func wires(list ...[]byte) [][]byte { return list }

// unmasked is a frame without a mask.
func unmasked(first byte, payload string) []byte {
	return append([]byte{first, byte(len(payload))}, payload...)
}

var socketRows = []socketRow{
	{"5.1 a server MUST close the connection upon receiving a frame that is not masked", wires(unmasked(text, "a")), []string{"close 1002"}},
	{"5.2 MUST be 0 unless an extension is negotiated: RSV1", wires(masked(text|0x40, "a")), []string{"close 1002"}},
	{"5.2 MUST be 0 unless an extension is negotiated: RSV2", wires(masked(text|0x20, "a")), []string{"close 1002"}},
	{"5.2 MUST be 0 unless an extension is negotiated: RSV3", wires(masked(text|0x10, "a")), []string{"close 1002"}},
	{"5.2 if an unknown opcode is received, the connection MUST fail: 3", wires(masked(0x83, "a")), []string{"close 1002"}},
	{"5.2 if an unknown opcode is received, the connection MUST fail: 7", wires(masked(0x87, "")), []string{"close 1002"}},
	{"5.2 if an unknown opcode is received, the connection MUST fail: B", wires(masked(0x8b, "")), []string{"close 1002"}},
	{"5.2 if an unknown opcode is received, the connection MUST fail: F", wires(masked(0x8f, "")), []string{"close 1002"}},
	{"5.2 the length of the payload, 0 to 125", wires(masked(binaryData, ""), masked(binaryData, strings.Repeat("x", 125))), []string{"binary ", "binary " + strings.Repeat("x", 125)}},
	{"5.2 if 126, the following 2 bytes", wires(masked(text, strings.Repeat("x", 126)), masked(text, strings.Repeat("y", 65535))),
		[]string{"text " + strings.Repeat("x", 126), "text " + strings.Repeat("y", 65535)}},
	{"5.2 if 127, the following 8 bytes", wires(masked(binaryData, strings.Repeat("x", 65536))), []string{"binary " + strings.Repeat("x", 65536)}},
	{"5.2 the most significant bit MUST be 0", wires([]byte{binaryData, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4}), []string{"close 1002"}},
	{"5.2 the minimal number of bytes MUST be used: 2", wires([]byte{binaryData, 0xfe, 0, 125, 1, 2, 3, 4}), []string{"close 1002"}},
	{"5.2 the minimal number of bytes MUST be used: 8", wires([]byte{binaryData, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4}), []string{"close 1002"}},
	{"5.4 a fragmented message", wires(masked(text&more, "one "), masked(0, "two "), masked(0x80, "three")), []string{"text one two three"}},
	{"5.4 fragments without payload", wires(masked(binaryData&more, ""), masked(0, ""), masked(0x80, "")), []string{"binary "}},
	{"5.4 control frames MAY be injected in the middle of a fragmented message", wires(masked(text&more, "a"), masked(pings, "p"), masked(0x80, "b")),
		[]string{"pong p", "text ab"}},
	{"5.4 fragments of one message MUST NOT be interleaved", wires(masked(text&more, "a"), masked(text, "b")), []string{"close 1002"}},
	{"5.4 a continuation needs a message", wires(masked(0x80, "a")), []string{"close 1002"}},
	{"5.5 control frames MUST NOT be fragmented", wires(masked(pings&more, "a")), []string{"close 1002"}},
	{"5.5 control frames MUST have a payload of 125 bytes or less", wires(masked(pings, strings.Repeat("x", 126))), []string{"close 1002"}},
	{"5.5 control frames of 125 bytes", wires(masked(pings, strings.Repeat("x", 125))), []string{"pong " + strings.Repeat("x", 125)}},
	{"5.5.1 a close without a body", wires(masked(closes, "")), []string{"close"}},
	{"5.5.1 the first two bytes of the body MUST be a code", wires(masked(closes, "x")), []string{"close 1002"}},
	{"5.5.1 following the code the body MAY contain a reason in UTF-8", wires(masked(closes, code(1000, "κόσμε"))), []string{"close 1000"}},
	{"5.5.1 a reason that is not UTF-8", wires(masked(closes, code(1000, "\xce"))), []string{"close 1007"}},
	{"5.5.1 an application MUST NOT send any more data frames after a close", wires(masked(closes, code(1000, "")), masked(text, "a")), []string{"close 1000"}},
	{"5.5.2 upon receipt of a ping, an endpoint MUST send a pong", wires(masked(pings, ""), masked(pings, "\x00\xff")), []string{"pong ", "pong \x00\xff"}},
	{"5.5.3 a pong MAY be sent unsolicited", wires(masked(pongs, "a"), masked(text, "b")), []string{"text b"}},
	{"5.6 text", wires(masked(text, "κόσμε\x00"), masked(text, "")), []string{"text κόσμε\x00", "text "}},
	{"5.6 a frame might include a partial UTF-8 sequence", wires(masked(text&more, "\xce"), masked(0x80, "\xba")), []string{"text κ"}},
	{"5.6 binary", wires(masked(binaryData, "\xff\xfe\x00")), []string{"binary \xff\xfe\x00"}},
	{"7.4.1 1000 to 1003", wires(masked(closes, code(1003, ""))), []string{"close 1003"}},
	{"7.4.1 1007 to 1011", wires(masked(closes, code(1011, ""))), []string{"close 1011"}},
	{"7.4.1 1004 is reserved", wires(masked(closes, code(1004, ""))), []string{"close 1002"}},
	{"7.4.1 1005 MUST NOT be set in a close frame", wires(masked(closes, code(1005, ""))), []string{"close 1002"}},
	{"7.4.1 1006 MUST NOT be set in a close frame", wires(masked(closes, code(1006, ""))), []string{"close 1002"}},
	{"7.4.1 1015 MUST NOT be set in a close frame", wires(masked(closes, code(1015, ""))), []string{"close 1002"}},
	{"7.4.2 0 to 999 are not used", wires(masked(closes, code(999, ""))), []string{"close 1002"}},
	{"7.4.2 1016 to 2999 are reserved", wires(masked(closes, code(2999, ""))), []string{"close 1002"}},
	{"7.4.2 3000 to 4999", wires(masked(closes, code(3000, ""))), []string{"close 3000"}},
	{"7.4.2 3000 to 4999: the last one", wires(masked(closes, code(4999, ""))), []string{"close 4999"}},
	{"7.4.2 5000 is no code", wires(masked(closes, code(5000, ""))), []string{"close 1002"}},
	{"8.1 a text that is not UTF-8 fails the connection", wires(masked(text, "a\xc0\xaf")), []string{"close 1007"}},
	{"8.1 a text that is not UTF-8: a surrogate", wires(masked(text, "\xed\xa0\x80")), []string{"close 1007"}},
	{"8.1 a text that is not UTF-8: found before its end", wires(masked(text&more, "a\xff")), []string{"close 1007"}},
	{"8.1 a text that is not UTF-8: cut off", wires(masked(text, "\xf0\x9f\x98")), []string{"close 1007"}},
	{"10.4 a limit of the size of a message", wires(masked(binaryData, strings.Repeat("x", 100_001))), []string{"close 1009"}},
	{"10.4 a limit of the size of a message: of its fragments", wires(masked(binaryData&more, strings.Repeat("x", 60_000)), masked(0x80, strings.Repeat("x", 60_000))), []string{"close 1009"}},
}

// try runs a row, and closes the connection if the row doesn't.
func (r *socketRow) try(w *webSocket, split bool) {
	wire := []byte{}
	for _, b := range r.sends {
		wire = append(wire, b...)
	}
	for len(wire) > 0 && split {
		w.write(wire[:1])
		wire = wire[1:]
	}
	_, _ = w.conn.Write(wire) // a server that fails the connection doesn't read it
	for _, expected := range r.gets {
		first, payload, err := w.frame()
		require.NoError(w.t, err)
		got := frameTypes[first] + " " + payload
		if first == closes && len(payload) > 1 {
			got = fmt.Sprintf("close %d", int(payload[0])<<8|int(payload[1]))
		}
		require.True(w.t, strings.TrimRight(expected, " ") == strings.TrimRight(got, " "), "%.80q, not %.80q", got, expected)
		if first == closes {
			w.over()
			return
		}
	}
	w.send(closes, code(1000, ""))
	w.closed(1000)
}

// TestWebSocketRFC checks the rules of RFC 6455, each in one write and byte by byte.
func TestWebSocketRFC(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, python string) {
		a := &invocation{t: t, args: []string{"--python", python, "--max-message", "100000", socketApp}, listens: true}
		for _, row := range socketRows {
			t.Run(row.rule, func(t *testing.T) {
				size := 0
				for _, b := range row.sends {
					size += len(b)
				}
				for _, split := range []bool{false, true} {
					if split && size > 1000 {
						continue
					}
					conn, _ := a.connect()
					w := open(t, conn, "/echo")
					row.try(w, split)
				}
			})
		}
		a.end()
	})
}

// TestWebSocketImpatient has clients close the connection before they are refused: the worker continues.
func TestWebSocketImpatient(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, python string) {
		a := &invocation{t: t, args: []string{"--python", python, socketApp}, listens: true}
		conn, _ := a.connect()
		w := open(t, conn, "/echo")
		for range 20 {
			conn, _ := a.connect()
			request, err := scgi.AppendRequest(nil, 0, handshake("/echo", "HTTP_SEC_WEBSOCKET_VERSION=8"))
			require.NoError(t, err)
			_, err = conn.Write(request)
			require.NoError(t, err)
			conn.Close()
		}
		again, _ := a.connect()
		other := open(t, again, "/end")
		other.closed(1000)
		assert.Equal(t, w.head.Header.Get("X-Pid"), other.head.Header.Get("X-Pid"))
		w.send(text, "a")
		w.gets(text, "a")
		w.send(closes, "")
		w.closed(0)
		a.end()
	})
}

// TestWebSocketHandshake sends requests that are no handshake, or can't be accepted (4.2.1, 4.2.2, 4.4).
func TestWebSocketHandshake(t *testing.T) {
	t.Parallel()
	eachVersion(t, func(t *testing.T, python string) {
		a := &invocation{t: t, args: []string{"--python", python, socketApp}, listens: true}
		const key = "HTTP_SEC_WEBSOCKET_KEY"
		for _, row := range []struct {
			rule      string
			variables []string
			status    int
		}{
			{"4.1 the method MUST be GET", []string{"REQUEST_METHOD=POST"}, 400},
			{"4.1 the HTTP version MUST be at least 1.1", []string{"SERVER_PROTOCOL=HTTP/1.0"}, 400},
			{"4.2.1 an Upgrade header with websocket, case-insensitive", []string{"HTTP_UPGRADE=h2c, WebSocket"}, 101},
			{"4.2.1 a Connection header with Upgrade, case-insensitive", []string{"HTTP_CONNECTION=keep-alive, upgrade"}, 101},
			{"4.2.1 a request for something else", []string{"HTTP_UPGRADE=h2c"}, 200},
			{"4.2.1 a request without Connection: Upgrade", []string{"HTTP_CONNECTION=keep-alive"}, 200},
			{"4.2.1 a key", []string{key}, 400},
			{"4.2.1 a key that is 16 bytes in length", []string{key + "=dGhlIHNhbXBsZQ=="}, 400},
			{"4.2.1 a key that is base64-encoded", []string{key + "=dGhlIHNhbXBs*SBub25jZQ=="}, 400},
			{"11.3.1 the key MUST NOT appear more than once", []string{key + "=dGhlIHNhbXBsZSBub25jZQ==, dGhlIHNhbXBsZSBub25jZQ=="}, 400},
			{"4.4 a version that the server doesn't have", []string{"HTTP_SEC_WEBSOCKET_VERSION=8"}, 426},
			{"4.2.1 a version", []string{"HTTP_SEC_WEBSOCKET_VERSION"}, 426},
		} {
			t.Run(row.rule, func(t *testing.T) {
				conn, _ := a.connect()
				if row.status == 101 {
					open(t, conn, "/end", row.variables...).closed(1000)
					return
				}
				w := shake(t, conn, handshake("/end", row.variables...))
				assert.Equal(t, row.status, w.head.StatusCode)
				if row.status == 426 {
					assert.Equal(t, "13", w.head.Header.Get("Sec-WebSocket-Version"))
				}
				_, err := io.Copy(io.Discard, w.head.Body)
				assert.NoError(t, err)
				conn.Close()
			})
		}
		a.end()
	})
}
