package scgi

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// paramsOf decodes a request with these headers and returns what an application
// sees.
func paramsOf(t *testing.T, mount string, header ...string) map[string]string {
	t.Helper()
	h := []Header{{"REQUEST_METHOD", "GET"}}
	for i := 0; i < len(header); i += 2 {
		h = append(h, Header{header[i], header[i+1]})
	}
	w, err := AppendRequest(nil, 0, h)
	require.NoError(t, err)
	req, err := ReadRequest(bytes.NewReader(w), nil)
	require.NoError(t, err)
	params, err := req.Params(mount)
	require.NoError(t, err)
	m := map[string]string{}
	for _, p := range params {
		require.NotContains(t, m, p.Name, "each variable once")
		m[p.Name] = p.Value
	}
	return m
}

func TestParamsPath(t *testing.T) {
	for _, c := range []struct {
		mount        string
		header       []string
		script, info string
	}{
		{"", []string{"DOCUMENT_URI", "/a b", "REQUEST_URI", "/a%20b?q"}, "", "/a b"},
		{"", []string{"REQUEST_URI", "/a%20b%2Fc%zz%00?q=%41"}, "", "/a b/c%zz%00"},
		{"", []string{"REQUEST_URI", "http://example.com/x?q"}, "", "/x"},
		{"", []string{"REQUEST_URI", "http://example.com"}, "", "/"},
		{"", nil, "", "/"},
		{"/app", []string{"DOCUMENT_URI", "/app/x"}, "/app", "/x"},
		{"/app", []string{"DOCUMENT_URI", "/app"}, "/app", ""},
		{"/app", []string{"DOCUMENT_URI", "/app/"}, "/app", "/"},
		{"/app", []string{"DOCUMENT_URI", "/apple"}, "", "/apple"},
		{"/app", []string{"SCRIPT_NAME", "/other", "DOCUMENT_URI", "/other/x"}, "/other", "/x"},
		{"/app", []string{"SCRIPT_NAME", "", "PATH_INFO", "/x", "DOCUMENT_URI", "/app/x"}, "", "/x"},
		{"", []string{"SCRIPT_NAME", "/", "PATH_INFO", ""}, "", "/"},
		{"", []string{"SCRIPT_NAME", "/app/", "PATH_INFO", "x"}, "/app", "/x"},
		{"", []string{"SCRIPT_NAME", "/app", "DOCUMENT_URI", "/rewritten"}, "/app", "/rewritten"},
		{"/app", []string{"PATH_INFO", "/x"}, "/app", "/x"},
	} {
		m := paramsOf(t, c.mount, c.header...)
		assert.Equal(t, [2]string{c.script, c.info}, [2]string{m["SCRIPT_NAME"], m["PATH_INFO"]}, "%v", c)
	}
}

func TestParamsHeaders(t *testing.T) {
	m := paramsOf(t, "",
		"HTTP_COOKIE", "a=1", "HTTP_COOKIE", "b=2", "HTTP_ACCEPT", "x", "HTTP_ACCEPT", "", "HTTP_ACCEPT", "y",
		"HTTP_HOST", "wrong", "HTTP_HOST", "example.com:8080", "REMOTE_USER", "a", "REMOTE_USER", "b",
		"HTTP_CONTENT_LENGTH", "0", "HTTP_CONTENT_TYPE", "text/plain", "HTTP_TRANSFER_ENCODING", "chunked", "HTTP_PROXY", "evil",
		"SERVER_NAME", "")
	assert.Equal(t, "a=1; b=2", m["HTTP_COOKIE"])
	assert.Equal(t, "x, y", m["HTTP_ACCEPT"])
	assert.Equal(t, "example.com:8080", m["HTTP_HOST"])
	assert.Equal(t, "b", m["REMOTE_USER"])
	for _, name := range []string{"HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "HTTP_PROXY"} {
		assert.NotContains(t, m, name)
	}
	assert.Equal(t, "example.com", m["SERVER_NAME"])
	assert.Equal(t, "8080", m["SERVER_PORT"])
	assert.Equal(t, "", m["QUERY_STRING"])

	m = paramsOf(t, "")
	assert.Equal(t, "localhost", m["SERVER_NAME"])
	assert.Equal(t, "80", m["SERVER_PORT"])
	m = paramsOf(t, "", "HTTPS", "on", "HTTP_HOST", "[::1]")
	assert.Equal(t, "[::1]", m["SERVER_NAME"])
	assert.Equal(t, "443", m["SERVER_PORT"])
}

func TestParamsNoMethod(t *testing.T) {
	req, err := ReadRequest(bytes.NewReader([]byte("24:CONTENT_LENGTH\x000\x00SCGI\x001\x00,")), nil)
	require.NoError(t, err)
	_, err = req.Params("")
	assert.Equal(t, ErrNoMethod, err)
}
