package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saysHost answers with the host of the request.
const saysHost = `def application(environ, start):
    start('200 OK', [])
    return [environ['HTTP_HOST'].encode()]
`

// TestHost checks that an application gets the host and the port by which nginx chose the server, with any
// spelling of the client, in each set-up of nginx.
func TestHost(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/host.py", saysHost)
	params, err := os.ReadFile("../packaging/socketgi_params")
	require.NoError(t, err)
	s.Write("/etc/nginx/socketgi_params", string(params))
	for _, name := range []string{"snippet", "params", "mended", "unsafe"} {
		s.place([]string{name, "/srv/host.py", "--python", "/usr/bin/python3", "--mount", "/" + name, "--accept", "no"}, []string{name, "--mount", "/" + name})
		s.start(name)
	}
	location := func(name, params string) {
		s.Write("/etc/nginx/apps/"+name+".conf", fmt.Sprintf("location /%s/ { %s scgi_param SCRIPT_NAME /%[1]s; scgi_pass unix:/run/socketgi/%[1]s.sock; }\n", name, params))
	}
	location("params", "include socketgi_params;")
	location("mended", "include scgi_params; scgi_param HTTP_HOST $host;")
	location("unsafe", "include scgi_params; scgi_param HTTP_HOST $http_host;")
	s.restartNginx()
	for _, name := range []string{"mended", "unsafe"} {
		out, _ := s.Command("/usr/local/bin/socketgi", "doctor", name, "--json").Output()
		var reports []struct{ Findings []struct{ What, Mend string } }
		require.NoError(t, json.Unmarshal(out, &reports), "%s", out)
		mends := 0
		for _, f := range reports[0].Findings {
			if strings.Contains(f.What, "HTTP_HOST is ") {
				mends++
				s.Run("sh", "-c", f.Mend)
			}
		}
		assert.Equal(t, 1, mends, "%s", out)
		out, _ = s.Command("/usr/local/bin/socketgi", "doctor", name, "--json").Output()
		assert.NotContains(t, string(out), "HTTP_HOST is ")
	}
	s.restartNginx()
	for _, c := range []struct{ target, host, want string }{
		{"PATH", "localhost", "localhost"},
		{"PATH", "localhost:8080", "localhost:8080"},
		{"PATH", "LOCALHOST:80", "localhost:80"},
		{"PATH", "[::1]", "[::1]"},
		{"PATH", "[::1]:8443", "[::1]:8443"},
		{"PATH?to=http://other.example:99/", "localhost", "localhost"},
		{"http://localhostPATH", "evil.example:9", "localhost"},
		{"http://localhostPATH?to=http://other.example:99/", "evil.example", "localhost"},
		{"http://localhost:81PATH", "evil.example:9", "localhost:81"},
		{"http://localhost:81PATH", "evil.example", "localhost:81"},
		{"HTTP://[::1]PATH", "evil.example:9", "[::1]"},
		{"http://[::1]:82PATH", "localhost", "[::1]:82"},
		{"PATH", "", "localhost"}, // from server_name
	} {
		for _, name := range []string{"snippet", "params", "mended", "unsafe"} {
			conn, err := net.Dial("unix", s.Path(nginxSocket))
			require.NoError(t, err)
			request := "GET " + strings.Replace(c.target, "PATH", "/"+name+"/", 1) + " HTTP/1."
			if c.host == "" {
				request += "0\r\n\r\n"
			} else {
				request += "1\r\nHost: " + c.host + "\r\nConnection: close\r\n\r\n"
			}
			_, err = io.WriteString(conn, request)
			require.NoError(t, err)
			answer, err := io.ReadAll(conn)
			require.NoError(t, err)
			conn.Close()
			head, body, _ := strings.Cut(string(answer), "\r\n\r\n")
			assert.Contains(t, head, " 200 OK\r\n")
			body = strings.TrimSuffix(strings.TrimPrefix(body, fmt.Sprintf("%x\r\n", len(c.want))), "\r\n0\r\n\r\n")
			assert.Equal(t, c.want, body, "%s: %s", name, request)
		}
	}
}
