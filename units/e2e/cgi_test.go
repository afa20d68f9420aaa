package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// program is a set-up of CGI programs.
type program struct {
	name   string   // of the units; it is served below /name
	accept string   // "no": the adapter listens. Default: "yes"
	listen string   // default: a unix socket
	flags  []string // for socketgi units
	run    []string // --cgi -- PROGRAM ... or --cgi-root DIR
}

// modes are the two values of Accept=.
var modes = []string{"yes", "no"}

// service returns the file name of the service unit.
func (p program) service() string {
	if p.accept == "no" {
		return p.name + ".service"
	}
	return p.name + "@.service"
}

// units returns a pattern for the units of the service, for journalctl and systemctl.
func (p program) units() string { return strings.Replace(p.service(), "@.", "@*.", 1) }

// serveCGI sets up CGI programs.
func (s *site) serveCGI(programs ...program) {
	s.t.Helper()
	var names []string
	for _, p := range programs {
		units, nginx := []string{p.name}, []string{p.name, "--mount", "/" + p.name}
		if p.accept == "no" {
			units = append(units, "--accept", "no")
		}
		if p.listen != "" {
			units, nginx = append(units, "--listen", p.listen), append(nginx, "--listen", p.listen)
		}
		s.place(append(append(units, p.flags...), p.run...), nginx)
		names = append(names, p.name)
	}
	s.start(names...)
}

// dropIn changes a service, as systemctl edit does.
func (s *site) dropIn(p program, text string) {
	s.t.Helper()
	s.Write("/etc/systemd/system/"+p.service()+".d/override.conf", text)
	s.Run("systemctl", "daemon-reload")
}

// noneLeft waits until all processes of the programs have ended, and checks that their unit hasn't failed.
func (s *site) noneLeft(p program) {
	s.t.Helper()
	if p.accept == "no" {
		s.Wait("the adapter to be alone", func() error {
			group := strings.TrimSpace(s.Run("systemctl", "show", "-p", "ControlGroup", "--value", p.service()))
			if group == "" {
				return nil // it has ended, too
			}
			procs, err := os.ReadFile(s.Path("/sys/fs/cgroup" + group + "/cgroup.procs"))
			if n := bytes.Count(procs, []byte("\n")); err == nil && n > 1 {
				out, _ := s.Try("ps", "-e", "-o", "pid,ppid,pgid,stat,args")
				return fmt.Errorf("%d processes: %s", n, out)
			}
			return nil
		})
	} else {
		s.Wait("the last instance to end", func() error {
			if out := s.Run("systemctl", "list-units", "--all", "--plain", "--no-legend", p.units()); strings.TrimSpace(out) != "" {
				return fmt.Errorf("%s", out)
			}
			return nil
		})
	}
	assert.Empty(s.t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
	assert.Equal(s.t, "active\n", s.Run("systemctl", "is-active", p.name+".socket"))
}

// from returns a client that connects to nginx by TCP from an address.
func (s *site) from(address string) *http.Client {
	c := *s.client
	t := c.Transport.(*http.Transport).Clone()
	t.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return s.Dial(address, "127.0.0.1:"+webPort)
	}
	c.Transport = t
	return &c
}

// variables parses the output of env.sh.
func variables(body string) map[string]string {
	vars := map[string]string{}
	for line := range strings.Lines(body) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			vars[name] = value
		}
	}
	return vars
}

// TestCGIEnvironment checks the variables that RFC 3875 promises a program, in each kind of set-up.
func TestCGIEnvironment(t *testing.T) {
	s := newSite(t)
	s.Install(filepath.Join("testdata", "cgi", "env.sh"), "/srv/env.sh", 0o755)
	for _, p := range []program{
		{name: "yes", flags: []string{"--user", "www-data"}},
		{name: "no", accept: "no", flags: []string{"--user", "www-data"}},
		// This one has a dynamic user, and systemd sets REMOTE_ADDR of the instance to nginx's address.
		{name: "yes-tcp", listen: "127.0.0.1:9001"},
		{name: "no-tcp", accept: "no", listen: "[::1]:9002"},
	} {
		t.Run(p.name, func(t *testing.T) {
			p.run = []string{"--cgi", "--", "/srv/env.sh", "a b", "$HOME", "%n"}
			s.serveCGI(p)
			s.dropIn(p, "[Service]\nEnvironment=GREETING=hello HTTP_PROXY=http://unit.example/ REMOTE_USER=root SCRIPT_NAME=/wrong\n")
			assert.Empty(t, s.Run("sh", "-c", "systemd-analyze verify --man=no /etc/systemd/system/"+p.name+".socket /etc/systemd/system/"+p.service()))
			there := *s
			there.t, there.client = t, s.from("127.0.0.7")

			got := there.get("http://localhost:"+webPort+"/"+p.name+"/some%20where/caf%C3%A9?x=%2F+y&z",
				"Proxy", "http://client.example/", "X-Own", "field", "Cookie", "a=b; c=d")
			require.Equal(t, 200, got.StatusCode, got.body)
			assert.Equal(t, "a b $HOME %n", got.Header.Get("X-Args"))
			assert.Contains(t, got.body, "cwd /srv\n")
			assert.Contains(t, got.body, "files 0 1 2 3\n")
			assert.Contains(t, got.body, fmt.Sprintf("body %x ", sha256.Sum256(nil)))
			vars := variables(got.body)
			for name, want := range map[string]string{
				"GATEWAY_INTERFACE": "CGI/1.1",
				"REQUEST_METHOD":    "GET",
				"SCRIPT_NAME":       "/" + p.name,
				"SCRIPT_FILENAME":   "/srv/env.sh",
				"PATH_INFO":         "/some where/café",
				"PATH_TRANSLATED":   vars["DOCUMENT_ROOT"] + "/some where/café",
				"QUERY_STRING":      "x=%2F+y&z",
				"REMOTE_ADDR":       "127.0.0.7",
				"SERVER_NAME":       "localhost",
				"SERVER_PORT":       webPort,
				"SERVER_PROTOCOL":   "HTTP/1.1",
				"HTTP_HOST":         "localhost:" + webPort,
				"HTTP_COOKIE":       "a=b; c=d",
				"HTTP_X_OWN":        "field",
				"GREETING":          "hello",
			} {
				assert.Equal(t, want, vars[name], name)
			}
			assert.NotEmpty(t, vars["DOCUMENT_ROOT"])
			assert.NotEmpty(t, vars["PATH"])
			assert.Regexp(t, `^nginx/\d`, vars["SERVER_SOFTWARE"])
			for _, name := range []string{"HTTP_PROXY", "REMOTE_USER", "CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_CONTENT_LENGTH",
				"SCGI", "NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "JOURNAL_STREAM"} {
				assert.NotContains(t, vars, name)
			}

			id := vars["UNIQUE_ID"]
			require.Regexp(t, `^[0-9a-f]{32}$`, id)
			there.logged(p.units(), map[string]string{"SOCKETGI_REQUEST_ID": id, "MESSAGE": "a line for the log", "PRIORITY": "5"})
			there.logged(p.units(), map[string]string{"SOCKETGI_REQUEST_ID": id, "MESSAGE": "and one that is an error", "PRIORITY": "3"})
			record := there.logged(p.units(), map[string]string{"SOCKETGI_REQUEST_ID": id, "SOCKETGI_STATUS": "200"})
			assert.Equal(t, "GET", record["SOCKETGI_METHOD"])
			assert.Equal(t, "/"+p.name+`/some where/caf\u00e9`, record["SOCKETGI_PATH"])

			vars = variables(there.get("/" + p.name).body)
			assert.Equal(t, "", vars["PATH_INFO"])
			query, ok := vars["QUERY_STRING"]
			assert.True(t, ok && query == "", "it is there, and empty")

			for _, size := range []int{1, 64 << 10, 3 << 20} { // the largest is buffered in a file
				data := bytes.Repeat([]byte("0\n"), size)
				want := fmt.Sprintf("body %x ", sha256.Sum256(data))
				got = there.do("POST", "/"+p.name, bytes.NewReader(data), "Content-Type", "text/x-some")
				assert.Contains(t, got.body, want)
				vars = variables(got.body)
				assert.Equal(t, fmt.Sprint(len(data)), vars["CONTENT_LENGTH"])
				assert.Equal(t, "text/x-some", vars["CONTENT_TYPE"])
				chunked := struct{ *bytes.Reader }{bytes.NewReader(data)} // without a Content-Length
				got = there.do("PUT", "/"+p.name, chunked)
				assert.Contains(t, got.body, want)
				assert.Equal(t, fmt.Sprint(len(data)), variables(got.body)["CONTENT_LENGTH"])
			}
			there.noneLeft(p)
		})
	}
}
