package cgi

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHead(t *testing.T) {
	for name, c := range map[string]struct {
		in     string
		nph    bool
		other  bool // the web server is not nginx
		status int
		wire   string
		length int64
	}{
		"document":        {in: "Content-Type: text/plain\n\n", status: 200, wire: "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n"},
		"CR LF":           {in: "Content-Type: text/plain\r\n\r\n", status: 200, wire: "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n"},
		"mixed":           {in: "Content-Type:text/plain  \r\nX:  a b \n\r\n", status: 200, wire: "Status: 200 OK\r\nContent-Type: text/plain\r\nX: a b\r\n\r\n"},
		"status":          {in: "Content-Type: a/b\nStatus: 404 Gone fishing\n\n", status: 404, wire: "Status: 404 Gone fishing\r\nContent-Type: a/b\r\n\r\n"},
		"only a status":   {in: "status:204\n\n", status: 204, wire: "Status: 204\r\n\r\n"},
		"first status":    {in: "Status: 201 A\nStatus: 202 B\n\n", status: 201, wire: "Status: 201 A\r\n\r\n"},
		"status line":     {in: "HTTP/1.1 203 Fine\nX: y\n\n", status: 203, wire: "Status: 203 Fine\r\nX: y\r\n\r\n"},
		"NPH":             {in: "HTTP/1.0 200 OK\r\nConnection: close\r\nX: y\r\n\r\n", nph: true, status: 200, wire: "Status: 200 OK\r\nX: y\r\n\r\n"},
		"redirect":        {in: "Location: http://a/b\n\n", status: 302, wire: "Status: 302 Found\r\nLocation: http://a/b\r\n\r\n"},
		"other host":      {in: "Location: //a/b\n\n", status: 302, wire: "Status: 302 Found\r\nLocation: //a/b\r\n\r\n"},
		"with a document": {in: "Location: http://a/b\nStatus: 301 Moved\nContent-Type: a/b\n\n", status: 301, wire: "Status: 301 Moved\r\nContent-Type: a/b\r\nLocation: http://a/b\r\n\r\n"},
		"local":           {in: "Location: /b?c\n\n", status: 200, wire: "X-Accel-Redirect: /b?c\r\n\r\n"},
		"local, others":   {in: "Location: /b?c\n\n", other: true, status: 200, wire: "Location: /b?c\r\n\r\n"},
		"local, status":   {in: "Status: 303 See Other\nLocation: /b\n\n", status: 303, wire: "Status: 303 See Other\r\nLocation: /b\r\n\r\n"},
		"length":          {in: "Content-Type: a/b\nContent-Length: 5\n\n", status: 200, wire: "Status: 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\n", length: 5},
		"same length":     {in: "Content-Type: a/b\nContent-Length: 5\ncontent-length: 5\n\n", status: 200, wire: "Status: 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\n\r\n", length: 5},
		"hop by hop":      {in: "Content-Type: a/b\nKeep-Alive: 5\nTransfer-Encoding: identity\nUpgrade: x\n\n", status: 200, wire: "Status: 200 OK\r\nContent-Type: a/b\r\n\r\n"},
		"cookies":         {in: "Set-Cookie: a=1\nContent-Type: a/b\nSet-Cookie: b=2\n\n", status: 200, wire: "Status: 200 OK\r\nSet-Cookie: a=1\r\nContent-Type: a/b\r\nSet-Cookie: b=2\r\n\r\n"},
		"cgitb":           {in: "<!--: spam\r\nContent-Type: text/html\r\n\r\n", status: 200, wire: "Status: 200 OK\r\nContent-Type: text/html\r\n\r\n"},
		"cgitb, later":    {in: "X: y\n<!--: spam\nContent-Type: text/html\n\n", status: 200, wire: "Status: 200 OK\r\nX: y\r\nContent-Type: text/html\r\n\r\n"},
		"cgitb, NPH":      {in: "<!--: spam\nContent-Type: text/html\n\n", nph: true, status: 200, wire: "Status: 200 OK\r\nContent-Type: text/html\r\n\r\n"},
		"empty value":     {in: "Content-Type: a/b\nX:\n\n", status: 200, wire: "Status: 200 OK\r\nContent-Type: a/b\r\nX: \r\n\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			in := []byte(c.in + "body\n\nmore")
			end := headEnd(in)
			require.Equal(t, len(c.in), end)
			h, err := headRules{nph: c.nph, nginx: !c.other}.parse(in[:end])
			require.NoError(t, err)
			assert.Equal(t, c.wire, string(h.wire))
			assert.Equal(t, c.status, h.status)
			if c.length == 0 {
				c.length = -1
			}
			assert.Equal(t, c.length, h.length)
		})
	}
}

func TestWrongHead(t *testing.T) {
	for in, why := range map[string]string{
		"Content-Type: a/b\nContent-Length: -0\n\n": `"-0" is not a length`,
		"\n":                                       "none of Content-Type, Location and Status",
		"X: y\n\n":                                 "none of Content-Type, Location and Status",
		"Hello world!\n\n":                         `line 1 of the header, "Hello world!": is not a header`,
		"Content-Type: a/b\n<html>\n\n":            "line 2",
		"Content-Type : a/b\n\n":                   "invalid name of a header",
		"<!-- x: y\n\n":                            "invalid name of a header",
		": x\n\n":                                  "invalid name of a header",
		"Content-Type: a/b\n X: y\n\n":             "is continued on a second line",
		"Content-Type: a\rSet-Cookie: b\n\n":       "a NUL or a CR",
		"Content-Type: a\x00b\n\n":                 "a NUL or a CR",
		"Status: OK\n\n":                           "not a final status",
		"Status: 100 Continue\n\n":                 "not a final status",
		"Status: 2000\n\n":                         "not a final status",
		"Status: 200 a\rX: y\n\n":                  "a NUL or a CR",
		"HTTP/1.1 200 a\rX: y\n\n":                 "not a final status",
		"HTTP/1.1\n\n":                             "not a final status",
		"Content-Length: +5\n\n":                   "is not a length",
		"Content-Length: \n\n":                     "is not a length",
		"Content-Length: 5\nContent-Length: 6\n\n": "is not a length",
		"Content-Type: a/b\nTransfer-Encoding: chunked\n\n": "is not allowed",
	} {
		end := headEnd([]byte(in))
		require.Equal(t, len(in), end, "%q", in)
		_, err := headRules{nginx: true}.parse([]byte(in))
		assert.ErrorContains(t, err, why, "%q", in)
	}
	_, err := headRules{nph: true, nginx: true}.parse([]byte("Content-Type: a/b\n\n"))
	assert.ErrorContains(t, err, "status line", "NPH")
	assert.Zero(t, headEnd([]byte("Content-Type: a/b\nX: y\r\n")))
}

// FuzzHead checks that whatever a program says, what goes to the web server is a
// head and nothing else.
func FuzzHead(f *testing.F) {
	f.Add([]byte("Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nbody"), false, true)
	f.Add([]byte("HTTP/1.1 200 OK\nLocation: /a\n\n"), true, true)
	f.Add([]byte("Location: /a\nContent-Length: 0\n\n"), false, false)
	f.Fuzz(func(t *testing.T, in []byte, nph, nginx bool) {
		end := headEnd(in)
		if end == 0 {
			return
		}
		h, err := headRules{nph: nph, nginx: nginx}.parse(in[:end])
		if err != nil {
			return
		}
		require.True(t, h.status >= 200 && h.status <= 999)
		require.True(t, bytes.HasSuffix(h.wire, []byte("\r\n\r\n")))
		require.Equal(t, len(h.wire), headEnd(h.wire), "one empty line, at the end")
		require.Equal(t, bytes.Count(h.wire, []byte("\r")), bytes.Count(h.wire, []byte("\n")))
		require.NotContains(t, string(h.wire), "\x00")
		if !strings.HasPrefix(string(h.wire), "Status: ") {
			return // a local redirect, which others follow
		}
		again, err := headRules{nginx: nginx}.parse(h.wire)
		require.NoError(t, err, "%q", h.wire)
		require.Equal(t, string(h.wire), string(again.wire))
	})
}
