package e2e

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rawHTTP sends bytes to nginx, and returns the status and the body of the response.
func (s *site) rawHTTP(socket, text string) (status int, body string) {
	s.t.Helper()
	c, err := net.Dial("unix", s.Path(socket))
	require.NoError(s.t, err)
	defer c.Close()
	require.NoError(s.t, c.SetDeadline(time.Now().Add(machine.Deadline)))
	_, err = c.Write([]byte(text))
	require.NoError(s.t, err)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(s.t, err, "%q", text)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(s.t, err, "%q", text)
	return resp.StatusCode, string(data)
}

// TestSmuggling has clients send headers that could be taken for others, through nginx by default, and with
// underscores in headers permitted.
func TestSmuggling(t *testing.T) {
	s := newSite(t)
	s.Install("testdata/cgi/env.sh", "/srv/env.sh", 0o755)
	s.Write("/etc/nginx/sites-enabled/underscores", `server {
	listen unix:/run/underscores.sock;
	server_name localhost;
	underscores_in_headers on;
	include /etc/nginx/apps/*.conf;
}
`)
	s.serveCGI(program{name: "env", accept: "no", run: []string{"--cgi", "--", "/srv/env.sh"}})
	const sumOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for _, c := range []struct {
		name, method, header, body string
		status                     int // 200 or another one, 0: nginx decides, and 200 is as sound
		has, hasNot                []string
	}{
		{"httpoxy", "GET", "Proxy: http://evil/\r\nproxy: http://evil/\r\nPROXY: http://evil/", "", 200, nil, []string{"evil"}},
		{"a header by the name of a variable", "GET", "Remote-User: root\r\nScript-Name: /evil\r\nLd-Preload: /evil.so\r\nPath: /evil", "", 200,
			[]string{"\nHTTP_REMOTE_USER=root\n", "\nSCRIPT_NAME=/env\n"}, []string{"\nREMOTE_USER=root", "\nLD_PRELOAD", "\nPATH=/evil"}},
		{"chunks", "POST", "Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n", 200, []string{"\nCONTENT_LENGTH=5\n"}, []string{"TRANSFER_ENCODING"}},
		{"chunks and a length", "POST", "Transfer-Encoding: chunked\r\nContent-Length: 3", "5\r\nhello\r\n0\r\n\r\n", 0, []string{"\nCONTENT_LENGTH=5\n"}, []string{"TRANSFER_ENCODING", "CONTENT_LENGTH=3"}},
		{"another encoding", "POST", "Transfer-Encoding: xchunked\r\nContent-Length: 5", "hello", 0, []string{"\nCONTENT_LENGTH=5\n"}, []string{"TRANSFER_ENCODING"}},
		{"two lengths", "POST", "Content-Length: 5\r\nContent-Length: 3", "hello", 400, nil, nil},
		{"a length with an underscore", "GET", "Content_Length: 3", "", 0, []string{sumOfNothing}, []string{"CONTENT_LENGTH=3"}},
		{"an encoding with an underscore", "GET", "Transfer_Encoding: chunked", "", 200, []string{sumOfNothing}, []string{"TRANSFER_ENCODING"}},
		{"a proxy with a space", "GET", "Proxy : http://evil/", "", 0, nil, []string{"evil"}},
		{"a folded header", "GET", "X-A: a\r\n Proxy: http://evil/", "", 0, nil, []string{"HTTP_PROXY"}},
		{"a bare CR", "GET", "X-A: a\rProxy: http://evil/", "", 0, nil, []string{"HTTP_PROXY", "\r"}},
		{"NUL", "GET", "X-A: a\x00HTTP_PROXY\x00http://evil/", "", 0, nil, []string{"HTTP_PROXY"}},
		{"a function of a shell", "GET", "X-A: () { :;}; echo evil done", "", 200, []string{"\nHTTP_X_A=() { :;}; echo evil done\n"}, []string{"\nevil"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, socket := range []string{nginxSocket, "/run/underscores.sock"} {
				status, body := s.rawHTTP(socket, c.method+" /env/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+c.header+"\r\n\r\n"+c.body)
				if c.status != 0 {
					assert.Equal(t, c.status, status, socket)
				} else if status != 200 {
					assert.GreaterOrEqual(t, status, 400, socket)
					continue
				}
				for _, text := range c.has {
					assert.Contains(t, body, text, socket)
				}
				for _, text := range c.hasNot {
					assert.NotContains(t, body, text, socket)
				}
			}
		})
	}
	// If a web server maps both names to one variable, neither silently replaces the other.
	text := "GET /env/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-User: good\r\nX_User: evil\r\n\r\n"
	_, body := s.rawHTTP(nginxSocket, text)
	assert.Contains(t, body, "\nHTTP_X_USER=good\n")
	_, body = s.rawHTTP("/run/underscores.sock", text)
	assert.Contains(t, body, "\nHTTP_X_USER=good, evil\n")
}

// TestTraversal requests programs outside of a directory through nginx, in every spelling.
func TestTraversal(t *testing.T) {
	s := newSite(t)
	s.Run("mkdir", "-p", "/srv/cgi/sub", "/srv/outside")
	for path, text := range map[string]string{"/srv/cgi/a.cgi": "inside", "/srv/outside/secret.cgi": "secret", "/srv/cgi-other": "secret"} {
		s.Write(path, "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n"+text+"'\n")
		s.Run("chmod", "755", path)
	}
	s.Run("ln", "-s", "../outside", "/srv/cgi/link")
	s.Run("ln", "-s", "../../outside/secret.cgi", "/srv/cgi/sub/secret.cgi")
	s.serveCGI(program{name: "cgi", accept: "no", run: []string{"--cgi-root", "/srv/cgi"}})
	// This location passes the client's bytes unchanged.
	s.Write("/etc/nginx/apps/raw.conf", `location /raw/ {
	include scgi_params;
	scgi_param SCRIPT_NAME "";
	scgi_param PATH_INFO $request_uri;
	scgi_param SCRIPT_FILENAME /srv/cgi$request_uri;
	scgi_pass unix:/run/socketgi/cgi.sock;
}
location /rawinfo/ {
	include scgi_params;
	scgi_param SCRIPT_NAME "";
	scgi_param PATH_INFO $arg_p;
	scgi_pass unix:/run/socketgi/cgi.sock;
}
`)
	s.restartNginx()
	get := func(target string) (int, string) {
		return s.rawHTTP(nginxSocket, "GET "+target+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	}
	status, body := get("/cgi/a.cgi")
	assert.Equal(t, 200, status)
	assert.Equal(t, "inside", body)
	_, body = get("/rawinfo/?p=/a.cgi")
	assert.Equal(t, "inside", body)
	long := strings.Repeat("a", 300)
	for _, path := range []string{
		"/../outside/secret.cgi", "/%2e%2e/outside/secret.cgi", "/..%2foutside/secret.cgi", "/%2e%2e%2foutside%2fsecret.cgi", "/.%2e/outside/secret.cgi",
		"/sub/../../outside/secret.cgi", "/a.cgi/../../outside/secret.cgi", "/link/secret.cgi", "/sub/secret.cgi", "/%252e%252e/outside/secret.cgi",
		"/..;/outside/secret.cgi", "/..\\outside\\secret.cgi", "//outside/secret.cgi", "/\xc0\xae\xc0\xae/outside/secret.cgi", "/../cgi-other", "-other",
		"/srv/outside/secret.cgi", "/.../outside/secret.cgi", "/a.cgi%00/../../outside/secret.cgi", "/../outside/secret.cgi%00.cgi", "/%2e%2e/outside/secret.cgi%0a",
		"/" + long + "/../../outside/secret.cgi", "/" + strings.Repeat("sub/", 1500) + "secret.cgi",
	} {
		for _, prefix := range []string{"/cgi", "/raw", "/raw/..", "/rawinfo/?p="} {
			status, body := get(prefix + path)
			assert.NotContains(t, body, "secret", "%s%s", prefix, path)
			if status == 200 {
				assert.Equal(t, "inside", body)
			} else {
				assert.True(t, status >= 400 && status < 500, "%d for %s%s", status, prefix, path)
			}
		}
	}
	assert.Equal(t, "active\n", s.Run("systemctl", "is-active", "cgi.socket"))
}
