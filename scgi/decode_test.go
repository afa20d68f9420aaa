package scgi

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nginxHeader is what nginx sends for a browser: 25 headers.
var nginxHeader = []Header{
	{"CONTENT_LENGTH", "0"}, {"REQUEST_METHOD", "GET"}, {"REQUEST_URI", "/app/page?id=42"}, {"QUERY_STRING", "id=42"},
	{"CONTENT_TYPE", ""}, {"DOCUMENT_URI", "/app/page"}, {"DOCUMENT_ROOT", "/usr/share/nginx/html"}, {"SCGI", "1"},
	{"SERVER_PROTOCOL", "HTTP/1.1"}, {"REQUEST_SCHEME", "https"}, {"HTTPS", "on"}, {"REMOTE_ADDR", "192.0.2.7"},
	{"REMOTE_PORT", "52114"}, {"SERVER_PORT", "443"}, {"SERVER_NAME", "example.com"}, {"SCRIPT_NAME", "/app"},
	{"PATH_INFO", "/page"}, {"HTTP_HOST", "example.com"}, {"HTTP_USER_AGENT", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
	{"HTTP_ACCEPT", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, {"HTTP_ACCEPT_LANGUAGE", "en-US,en;q=0.5"},
	{"HTTP_ACCEPT_ENCODING", "gzip, deflate, br"}, {"HTTP_CONNECTION", "keep-alive"},
	{"HTTP_COOKIE", "session=0123456789abcdef0123456789abcdef"}, {"HTTP_REFERER", "https://example.com/app/"},
}

func headers(r *Request) (all []Header) {
	for name, value := range r.Headers() {
		all = append(all, Header{name, value})
	}
	return all
}

func TestReadRequest(t *testing.T) {
	for name, reader := range map[string]func(io.Reader) io.Reader{
		"at once":       func(r io.Reader) io.Reader { return r },
		"byte by byte":  iotest.OneByteReader,
		"data with EOF": iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) {
			r := reader(bytes.NewReader(AppendHeader(nil, nginxHeader)))
			req, err := ReadRequest(r, nil)
			require.NoError(t, err)
			assert.Equal(t, nginxHeader, headers(req))
			assert.Equal(t, Body{}, req.Body)

			wire := AppendHeader(nil, []Header{{"CONTENT_LENGTH", "27"}, {"SCGI", "1"}, {"REQUEST_METHOD", "POST"}, {"REQUEST_URI", "/deepthought"}})
			assert.Equal(t, `70:CONTENT_LENGTH.27.SCGI.1.REQUEST_METHOD.POST.REQUEST_URI./deepthought.,`,
				strings.ReplaceAll(string(wire), "\x00", "."), "the specification's example")
			r = reader(io.MultiReader(bytes.NewReader(wire), strings.NewReader("What is the answer to life?AND MORE")))
			req, err = ReadRequest(r, nil)
			require.NoError(t, err)
			assert.Equal(t, int64(27), req.ContentLength)
			assert.Equal(t, "What is the answer to life?", string(req.Body.Data))
			assert.Equal(t, "POST", req.Get("REQUEST_METHOD"))
			rest, err := io.ReadAll(r)
			require.NoError(t, err)
			assert.Equal(t, "AND MORE", string(rest), "not one byte too many was read")
		})
	}
}

func TestReadRequestNothing(t *testing.T) {
	_, err := ReadRequest(strings.NewReader(""), nil)
	assert.Equal(t, io.EOF, err)
}

// malformed reads the table of requests that are refused.
func malformed(t testing.TB) (rows []struct {
	status    int
	err, wire string
}) {
	data, err := os.ReadFile("testdata/malformed.txt")
	require.NoError(t, err)
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		var row struct {
			status    int
			err, wire string
		}
		i := strings.IndexByte(line, '"')
		_, err := fmt.Sscan(line[:i], &row.status, &row.err)
		require.NoError(t, err)
		row.wire, err = strconv.Unquote(line[i:])
		require.NoError(t, err, "%s", line)
		rows = append(rows, row)
	}
	return rows
}

func TestMalformed(t *testing.T) {
	byName := map[string]*RequestError{
		"ErrTruncated": ErrTruncated, "ErrLength": ErrLength, "ErrLeadingZero": ErrLeadingZero, "ErrTooShort": ErrTooShort,
		"ErrComma": ErrComma, "ErrUnterminated": ErrUnterminated, "ErrName": ErrName, "ErrValue": ErrValue,
		"ErrNoContentLength": ErrNoContentLength, "ErrContentLength": ErrContentLength, "ErrRepeated": ErrRepeated,
		"ErrNoSCGI": ErrNoSCGI, "ErrCutBody": ErrCutBody, "ErrTruncatedBody": ErrTruncatedBody,
		"ErrHeaderTooLarge": ErrHeaderTooLarge, "ErrUnknownBody": ErrUnknownBody, "ErrMethod": ErrMethod, "ErrTarget": ErrTarget,
		"ErrProtocol": ErrProtocol, "ErrHost": ErrHost, "ErrHeaderName": ErrHeaderName,
	}
	for _, row := range malformed(t) {
		for _, r := range []io.Reader{strings.NewReader(row.wire), iotest.OneByteReader(strings.NewReader(row.wire))} {
			_, err := ReadRequest(r, nil)
			want := byName[row.err]
			require.NotNil(t, want, row.err)
			assert.Equal(t, want, err, "%q", row.wire)
			assert.Equal(t, row.status, want.Status, "%q", row.wire)
		}
	}
}

func TestLimits(t *testing.T) {
	wire := AppendHeader(nil, nginxHeader)
	_, err := ReadRequest(bytes.NewReader(wire), &Limits{HeaderBytes: 100})
	assert.Equal(t, ErrHeaderTooLarge, err)
	_, err = ReadRequest(bytes.NewReader(wire), &Limits{Headers: len(nginxHeader) - 1})
	assert.Equal(t, ErrTooManyHeaders, err)
	_, err = ReadRequest(bytes.NewReader(wire), &Limits{Headers: len(nginxHeader)})
	assert.NoError(t, err)
	wire, err = AppendRequest(nil, 10, nil)
	require.NoError(t, err)
	wire = append(wire, "0123456789"...)
	_, err = ReadRequest(bytes.NewReader(wire), &Limits{BodyBytes: 9})
	assert.Equal(t, ErrBodyTooLarge, err)
	_, err = ReadRequest(bytes.NewReader(wire), &Limits{BodyBytes: 10})
	assert.NoError(t, err)
}

// TestBodyFile reads bodies around the length from which they go to a file.
func TestBodyFile(t *testing.T) {
	for _, n := range []int{99, 100, 101, 64 << 10, 64<<10 + 1, 200_000} {
		body := bytes.Repeat([]byte("0123456789"), n/10+1)[:n]
		wire, err := AppendRequest(nil, int64(n), nil)
		require.NoError(t, err)
		r := bytes.NewReader(append(append(wire, body...), "rest"...))
		req, err := ReadRequest(r, &Limits{MemoryBytes: 100, TempDir: t.TempDir()})
		require.NoError(t, err)
		assert.Equal(t, 4, r.Len())
		if n <= 100 {
			assert.Nil(t, req.Body.File)
			assert.Equal(t, body, req.Body.Data)
			continue
		}
		got, err := io.ReadAll(req.Body.File)
		require.NoError(t, err)
		assert.Equal(t, body, got)
		info, err := req.Body.File.Stat()
		require.NoError(t, err)
		assert.Equal(t, int64(n), info.Size())
		require.NoError(t, req.Body.File.Close())
	}
	wire, err := AppendRequest(nil, 1000, nil)
	require.NoError(t, err)
	_, err = ReadRequest(bytes.NewReader(append(wire, make([]byte, 999)...)), &Limits{MemoryBytes: 100})
	assert.Equal(t, ErrTruncatedBody, err)
	_, err = ReadRequest(bytes.NewReader(append(wire, make([]byte, 1000)...)), &Limits{MemoryBytes: 100, TempDir: "/nonexistent"})
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// TestIsName tries every byte at every place of a name.
func TestIsName(t *testing.T) {
	for n := 1; n <= 20; n++ {
		for i := range n {
			for c := range 256 {
				name := bytes.Repeat([]byte{'A'}, n)
				name[i] = byte(c)
				want := c > ' ' && c < 0x7f && c != '='
				require.Equal(t, want, isName(name), "%q", name)
			}
		}
	}
}

func TestAppendRequestRefuses(t *testing.T) {
	for _, h := range []Header{{"", "x"}, {"A=B", ""}, {"A\x00", ""}, {"A", "x\x00y"}, {"CONTENT_LENGTH", "1"}, {"SCGI", "1"}, {"Ä", ""}} {
		_, err := AppendRequest(nil, 0, []Header{h})
		assert.ErrorIs(t, err, ErrEncode, "%q", h)
	}
	_, err := AppendRequest(nil, -1, nil)
	assert.ErrorIs(t, err, ErrEncode)
}

// FuzzReadRequest holds the decoder to a law: of what it accepts the encoder makes
// the bytes that were read again, and it reads no others.
func FuzzReadRequest(f *testing.F) {
	f.Add(AppendHeader(nil, nginxHeader))
	f.Add([]byte("24:CONTENT_LENGTH\x005\x00SCGI\x001\x00,hello, and more"))
	for _, row := range malformed(f) {
		f.Add([]byte(row.wire))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bytes.NewReader(wire)
		req, err := ReadRequest(r, &Limits{BodyBytes: 1 << 20, MemoryBytes: 1 << 20})
		if err != nil {
			var known *RequestError
			require.True(t, err == io.EOF && len(wire) == 0 || assert.ErrorAs(t, err, &known))
			return
		}
		for name, value := range req.Headers() {
			requireParsed(t, name, value)
		}
		again := append(AppendHeader(nil, headers(req)), req.Body.Data...)
		require.Equal(t, wire[:len(wire)-r.Len()], again)
		if params, err := req.Params("/mount"); err == nil {
			seen := map[string]bool{}
			for _, h := range params {
				require.NotContains(t, h.Name, "=")
				require.NotContains(t, h.Name+h.Value, "\x00")
				if strings.HasPrefix(h.Name, "HTTP_") {
					require.NotContains(t, []string{"HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "HTTP_PROXY"}, h.Name)
					require.False(t, strings.ContainsAny(h.Value, "\r\n"), "%q", h)
				}
				require.False(t, seen[h.Name], "%s is there twice", h.Name)
				seen[h.Name] = true
			}
			require.True(t, seen["CONTENT_LENGTH"])
			length, ok := parseLength(get(params, "CONTENT_LENGTH"))
			require.True(t, ok)
			require.Equal(t, req.ContentLength, length)
		}
	})
}

// FuzzAppendRequest checks the other direction: what is encoded is decoded again.
func FuzzAppendRequest(f *testing.F) {
	f.Add("REQUEST_METHOD", "GET", "HTTP_COOKIE", "a=b", []byte("body"))
	f.Fuzz(func(t *testing.T, name1, value1, name2, value2 string, body []byte) {
		header := []Header{{name1, value1}, {name2, value2}}
		wire, err := AppendRequest(nil, int64(len(body)), header)
		if err != nil {
			return
		}
		req, err := ReadRequest(bytes.NewReader(append(wire, body...)), &Limits{MemoryBytes: 1 << 30, HeaderBytes: 1 << 30})
		if err != nil { // a value that no client can have sent
			require.Contains(t, []error{ErrValue, ErrCutBody, ErrUnknownBody, ErrMethod, ErrTarget, ErrProtocol, ErrHost, ErrHeaderName}, err)
			return
		}
		require.Equal(t, header, headers(req)[2:])
		if req.ContentLength > 0 { // an empty HTTP_CONTENT_LENGTH says that there is none
			require.Equal(t, body, req.Body.Data)
		}
	})
}
