package scgi

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func get(p params, name string) string { return p.get(name) }

var (
	tokenPattern = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
	// The variables that are one line, or a part of one, and so contain no line break.
	linePattern = regexp.MustCompile(`^(HTTP_.*|REQUEST_(METHOD|URI|SCHEME)|QUERY_STRING|CONTENT_TYPE|AUTH_TYPE|HTTPS|` +
		`GATEWAY_INTERFACE|REMOTE_(ADDR|PORT|HOST|USER|IDENT)|SERVER_(NAME|PORT|ADDR|PROTOCOL|SOFTWARE)|UNIQUE_ID)$`)
)

// requireParsed states what holds for each header of a request that is accepted.
func requireParsed(t *testing.T, name, value string) {
	t.Helper()
	require.NotContains(t, value, "\x00")
	if linePattern.MatchString(name) {
		require.False(t, strings.ContainsAny(value, "\r\n"), "%s: %q", name, value)
	}
	if rest, ok := strings.CutPrefix(name, "HTTP_"); ok {
		require.Regexp(t, tokenPattern, rest)
	}
	switch name {
	case "REQUEST_METHOD":
		require.True(t, value == "" || tokenPattern.MatchString(value), "%q", value)
	case "REQUEST_URI":
		require.False(t, strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }), "%q", value)
	case "HTTP_HOST":
		require.False(t, strings.ContainsAny(value, " /?#\\\"<>"), "%q", value)
	}
}

// TestParsed: what a web server can have parsed passes.
func TestParsed(t *testing.T) {
	for _, h := range []Header{
		{"REQUEST_METHOD", "M-SEARCH"}, {"REQUEST_METHOD", "get"}, {"REQUEST_METHOD", ""},
		{"REQUEST_URI", "*"}, {"REQUEST_URI", "/a%0Ab?%zz;;\xff"}, {"REQUEST_URI", "/a b"}, {"REQUEST_URI", "http://h/"}, {"REQUEST_URI", ""},
		{"PATH_INFO", "/a\r\nb"}, {"SCRIPT_NAME", "/a\nb"}, {"DOCUMENT_URI", "/a\nb"}, {"PATH_TRANSLATED", "/srv/a\nb"},
		{"SSL_CLIENT_CERT", "-----BEGIN\n\tM\n"},
		{"SERVER_PROTOCOL", "HTTP/1.0"}, {"SERVER_PROTOCOL", "HTTP/2"}, {"SERVER_PROTOCOL", "INCLUDED"}, {"SERVER_PROTOCOL", ""},
		{"HTTP_HOST", ""}, {"HTTP_HOST", "[::1%25eth0]:80"}, {"HTTP_HOST", "a_b.example:8080"},
		{"HTTP_X.Y", "a\tb\xe9"}, {"HTTP_x", ""}, {"SERVER_NAME", "_"},
	} {
		wire, err := AppendRequest(nil, 0, []Header{h})
		require.NoError(t, err)
		req, err := ReadRequest(bytes.NewReader(wire), nil)
		if assert.NoError(t, err, "%q", h) {
			assert.Equal(t, h, headers(req)[2])
		}
	}
}

// TestLengths: what is said of the body after the first CONTENT_LENGTH.
func TestLengths(t *testing.T) {
	const later, client, software = "CONTENT_LENGTH", "HTTP_CONTENT_LENGTH", "SERVER_SOFTWARE"
	for _, c := range []struct {
		first  string
		header []Header
		behind string // on the wire
		body   string
		err    error
	}{
		{"5", []Header{{later, "5"}}, "hello", "hello", nil},
		{"5", []Header{{later, "05"}, {later, "5"}}, "hello", "hello", nil},
		{"0", []Header{{later, ""}}, "", "", nil},
		{"0", []Header{{later, ""}, {client, "5"}}, "", "", nil}, // the recipe for auth_request
		{"0", []Header{{client, ""}}, "", "", nil},
		{"5", []Header{{later, ""}, {client, "5"}}, "", "", nil}, // SSI: counted, and not passed on
		{"5", []Header{{client, ""}}, "", "", nil},
		{"5", []Header{{later, ""}, {later, "5"}}, "hello", "hello", nil}, // the last one counts
		{"5", []Header{{client, "5"}}, "hello", "hello", nil},
		{"0", []Header{{client, "5"}, {software, "nginx/1.29.6"}}, "", "", nil},
		{"0", []Header{{client, "5"}, {software, "nginx/1.31.0 (Ubuntu)"}}, "", "", nil},
		{"0", []Header{{client, "5"}, {software, "nginx/2.0"}}, "", "", nil},
		{"0", []Header{{client, "5"}, {software, "nginx/1.29.5"}}, "", "", ErrUnknownBody},
		{"0", []Header{{client, "5"}, {software, "nginx/1.29"}}, "", "", ErrUnknownBody},
		{"0", []Header{{client, "5"}, {software, "nginx/"}}, "", "", ErrUnknownBody},
		{"0", []Header{{client, "5"}, {client, "6"}}, "", "", ErrCutBody},
		{"3", []Header{{client, "5"}, {software, "nginx/1.31.0"}}, "hel", "", ErrCutBody},
		// No body is lost in silence.
		{"0", []Header{{client, "5"}, {software, "nginx/1.31.0"}}, "h", "", ErrBytesFollow},
		{"0", []Header{{later, ""}}, "h", "", ErrBytesFollow},
		{"5", []Header{{later, ""}, {client, "5"}}, "hello", "", ErrBytesFollow},
		{"5", []Header{{client, ""}}, "hello", "", ErrBytesFollow},
	} {
		wire := append(AppendHeader(nil, append([]Header{{later, c.first}, {"SCGI", "1"}, {"REQUEST_METHOD", "POST"}}, c.header...)), c.behind...)
		for name, read := range map[string]func(conn *Conn) (*Request, error){
			"ReadRequest": func(conn *Conn) (*Request, error) { return ReadRequest(conn, nil) },
			"ReadReady":   func(conn *Conn) (*Request, error) { return conn.ReadReady(make([]byte, 4096), &Limits{}) },
		} {
			ours, theirs := pair(t)
			_, err := theirs.Write(wire)
			require.NoError(t, err)
			req, err := read(ours)
			assert.Equal(t, c.err, err, "%s: %v", name, c)
			if err != nil {
				continue
			}
			assert.Equal(t, c.body, string(req.Body.Data), "%s: %v", name, c)
			p, err := req.Params("")
			require.NoError(t, err)
			length, _ := parseLength(get(p, "CONTENT_LENGTH"))
			assert.Equal(t, int64(len(c.body)), length, "%s: %v", name, c)
		}
	}
}
