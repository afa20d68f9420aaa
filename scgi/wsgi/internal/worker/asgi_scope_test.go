package worker

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestASGIScope asks for the keys of the scope. https://asgi.readthedocs.io/en/latest/specs/www.html,
// HTTP Connection Scope, says what they are.
func TestASGIScope(t *testing.T) {
	const source = `import urllib.parse
async def app(scope, receive, send):
    keys = urllib.parse.unquote(scope['query_string'].decode('latin-1').partition('keys=')[2]).split(',')
    body = '\n'.join(repr(scope.get(key, KeyError)) for key in keys).encode()
    await send({'type': 'http.response.start', 'status': 200})
    await send({'type': 'http.response.body', 'body': body})
`
	eachASGI(t, source, func(a *asgi) {
		for _, row := range []struct{ sentence, variables, keys, want string }{
			{`type (Unicode string) - "http"`, "", "type", "'http'"},
			{`asgi["spec_version"] - Version of the ASGI HTTP spec this server understands`, "", "asgi", "{'version': '3.0', 'spec_version': '2.3'}"},
			{`http_version - One of "1.0", "1.1" or "2": 1.1`, "", "http_version", "'1.1'"},
			{`http_version - One of "1.0", "1.1" or "2": 1.0`, "SERVER_PROTOCOL=HTTP/1.0", "http_version", "'1.0'"},
			{`http_version - One of "1.0", "1.1" or "2": 2`, "SERVER_PROTOCOL=HTTP/2.0", "http_version", "'2'"},
			{`method - The HTTP method name, uppercased`, "REQUEST_METHOD=post", "method", "'POST'"},
			{`scheme - URL scheme portion`, "", "scheme", "'http'"},
			{`scheme - URL scheme portion, of HTTPS`, "HTTPS=on", "scheme", "'https'"},
			{`scheme - URL scheme portion, of REQUEST_SCHEME`, "REQUEST_SCHEME=https", "scheme", "'https'"},
			{`path - HTTP request target excluding any query string`, "PATH_INFO=/a/b REQUEST_URI=/a/b?c", "path,raw_path", "'/a/b'\nb'/a/b'"},
			{`path - with percent-encoded sequences and UTF-8 byte sequences decoded into characters`, "PATH_INFO=/h\xc3\xa9/\xff REQUEST_URI=/h%C3%A9/%ff",
				"path,raw_path", "'/hé/\ufffd'\nb'/h%C3%A9/%ff'"},
			{`raw_path - unmodified from the bytes that were received by the web server`, "PATH_INFO=/a/b REQUEST_URI=/a%2Fb//?x=1?2", "raw_path", `b'/a%2Fb//'`},
			{`raw_path - Some web server implementations may be unable to provide this`, "", "raw_path", "<class 'KeyError'>"},
			{`raw_path - of an absolute request target`, "REQUEST_URI=http://localhost/a?b", "raw_path", "b'/a'"},
			{`root_path - same as SCRIPT_NAME in WSGI`, "SCRIPT_NAME=/app PATH_INFO=/x", "root_path,path", "'/app'\n'/app/x'"},
			{`root_path - if missing defaults to ""`, "", "root_path,path", "''\n'/'"},
			{`headers - Header names should be lowercased`, "HTTP_X_FOO=Bar CONTENT_TYPE=text/html", "headers", "[(b'x-foo', b'Bar'), (b'content-type', b'text/html')]"},
			{`headers - preserved: an empty one`, "HTTP_X_FOO=", "headers", "[(b'x-foo', b'')]"},
			{`headers - preserved: bytes beyond ASCII`, "HTTP_X_FOO=\xc3\xa9", "headers", `[(b'x-foo', b'\xc3\xa9')]`},
			{`headers - those that the web server makes up of nothing are none`, "CONTENT_TYPE= HTTP_HOST=", "headers", "[]"},
			{`headers - the length of an empty body of a method that has one`, "REQUEST_METHOD=POST", "headers", "[(b'content-length', b'0')]"},
			{`client - host is the remote host's IPv4 or IPv6 address, and port is the remote port as an integer`, "REMOTE_ADDR=::1 REMOTE_PORT=4711", "client", "('::1', 4711)"},
			{`client - Optional; if missing defaults to None`, "", "client", "None"},
			{`server - host is the listening address for this server, and port is the integer listening port`, "SERVER_PORT=8080", "server", "('localhost', 8080)"},
			{`state - A copy of the namespace passed into the lifespan`, "", "state", "{}"},
		} {
			a.row(row.sentence, func(a *asgi) {
				params := variables(append(strings.Fields(row.variables), "QUERY_STRING=keys="+row.keys)...)
				_, body, _ := strings.Cut(a.ask(params, "", nil).sent, "\r\n\r\n")
				assert.Equal(a.t, row.want, body)
			})
		}
	})
}

func TestASGIQueryString(t *testing.T) {
	eachASGI(t, "    x = scope['query_string']"+startASGI+"\n    await send({'type': 'http.response.body', 'body': x})", func(a *asgi) {
		ans := a.ask(variables("QUERY_STRING=a=%C3%A9&b=\xe9"), "", nil)
		assert.Contains(a.t, ans.sent, "\r\n\r\na=%C3%A9&b=\xe9", "percent-encoded bytes")
	})
}
