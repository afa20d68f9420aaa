package e2e

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// brokenServer is a way to break the path from a web server to an application.
type brokenServer struct {
	name  string
	spoil func()
	id    string // of the finding
	by    func() // its repair without a command
}

// TestDoctorWebServers breaks the configuration of Apache and lighttpd for an application in one way at a
// time: doctor must name the cause, and its mend must repair it. doctor has also set them up.
func TestDoctorWebServers(t *testing.T) {
	s := newSite(t)
	s.Run("ip", "link", "set", "lo", "up")
	s.Run("systemctl", "stop", "nginx")
	s.Write("/srv/hello.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nHello world!\\n'\n")
	s.Run("chmod", "755", "/srv/hello.cgi")
	for _, name := range []string{"app", "other"} {
		s.install(s.Run("/usr/local/bin/socketgi", "units", name, "--user", "www-data", "--mount", "/"+name, "--cgi", "--", "/srv/hello.cgi"))
		s.Run("systemctl", "daemon-reload")
		s.Run("systemctl", "enable", "--now", "--quiet", name+".socket")
	}
	for _, unit := range []string{"apache2", "lighttpd"} {
		s.Write("/etc/systemd/system/"+unit+".service.d/often.conf", "[Unit]\nStartLimitIntervalSec=0\n")
	}
	s.Run("systemctl", "daemon-reload")
	outer := s.t
	in := func(name string, test func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			s.t = t
			defer func() { s.t = outer }()
			test(t)
		})
	}
	in("apache", func(t *testing.T) {
		s.Run("systemctl", "start", "apache2")
		s.at("80")
		s.tryBreaks("apache", s.apacheBreaks())
		s.Run("systemctl", "disable", "--now", "--quiet", "apache2")
		s.Run("a2disconf", "-q", "app")
	})
	in("lighttpd", func(t *testing.T) {
		s.Run("systemctl", "start", "lighttpd")
		s.tryBreaks("lighttpd", s.lighttpdBreaks())
	})
}

// tryBreaks tries each break and its mend.
func (s *site) tryBreaks(server string, table []brokenServer) {
	outer := s.t.(*testing.T)
	for _, c := range table {
		outer.Run(c.name, func(t *testing.T) {
			s.t = t
			defer func() { s.t = outer }()
			c.spoil()
			found, status := s.examine("app")
			assert.NotZero(t, status)
			i := slices.IndexFunc(found, func(f finding) bool { return f.ID == c.id })
			require.GreaterOrEqual(t, i, 0, "%s is not among %+v", c.id, found)
			assert.Len(t, found, 1, "one cause, and nothing that follows from it")
			require.False(t, (found[i].Mend == "") == (found[i].Do == ""), "one of a command and prose: %+v", found[i])
			require.Equal(t, c.by == nil, found[i].Mend != "", "%+v", found[i])
			if c.by == nil {
				out, err := s.Try("sh", "-ec", found[i].Mend)
				require.NoError(t, err, "%s: %s", found[i].Mend, out)
			} else {
				c.by()
			}
			// The next break shows whether another finding is left.
			s.Wait("the page", func() error { return s.asks("/app/", "Hello world!\n") })
		})
	}
	s.healthy("app")
	out, err := s.Try("/usr/local/bin/socketgi", "doctor", "app")
	assert.NoError(outer, err, "%s", out)
	assert.Contains(outer, out, "passes requests to it")
	assert.Contains(outer, out, "http://localhost/app/ is answered with 200 by app")
}

// asks requests a page, and compares it with text, unless that is "".
func (s *site) asks(url, text string) error {
	resp, err := s.client.Get("http://localhost" + url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && text != "" && string(body) != text {
		err = fmt.Errorf("%d: %s", resp.StatusCode, body)
	}
	return err
}

// group changes the socket's group to one without a web server.
func (s *site) group() {
	s.Write("/etc/systemd/system/app.socket.d/group.conf", "[Socket]\nSocketGroup=daemon\n")
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "restart", "app.socket")
}

func (s *site) apacheBreaks() []brokenServer {
	const conf = "/etc/apache2/conf-available/app.conf"
	right := s.Run("/usr/local/bin/socketgi", "apache", "app")
	reload := func() { s.Run("systemctl", "restart", "apache2") }
	write := func(text string) func() { return func() { s.Write(conf, text); reload() } }
	edit := func(old, new string) func() {
		return func() {
			require.Contains(s.t, right, old)
			write(strings.ReplaceAll(right, old, new))()
		}
	}
	run := func(command string) func() { return func() { s.Run("sh", "-ec", command) } }
	const passed = "ProxyPass /app unix:/run/socketgi/app.sock|scgi://app.socketgi/ timeout=105\nSetEnv ap_trust_cgilike_cl 1\n"
	return []brokenServer{
		{"nothing is there", func() {}, "location-missing", nil},
		{"stopped and masked", run("systemctl mask --quiet --now apache2"), "apache-stopped", nil},
		{"not enabled", run("a2disconf -q app; systemctl restart apache2"), "location-not-included", nil},
		{"not reloaded", run("a2disconf -q app; systemctl restart apache2; a2enconf -q app"), "apache-runs-another-configuration", nil},
		{"a path mistyped", edit("/app.sock|", "/ap.sock|"), "socket-path-mistyped", nil},
		{"another protocol", edit("scgi://", "fcgi://"), "wrong-protocol", nil},
		{"no module", run("a2dismod -q proxy_scgi; systemctl restart apache2"), "module-missing", nil},
		{"no length", edit("SetEnv ap_trust", "# SetEnv ap_trust"), "content-length-dropped", nil},
		{"a name twice", func() {
			s.Write("/etc/apache2/conf-enabled/other.conf", strings.ReplaceAll(s.Run("/usr/local/bin/socketgi", "apache", "other"), "other.socketgi", "localhost"))
			edit("app.socketgi", "localhost")()
		}, "worker-name-repeated", nil},
		{"no alias", edit("AliasMatch", "# AliasMatch"), "alias-missing", write(right)},
		{"a file that is gone", func() {
			write(strings.NewReplacer("app.socket$1", "gone$1", `"app.socket"`, `"gone"`).Replace(right))()
		}, "alias-file-missing", write(right)},
		{"waits too short", edit("timeout=105", "timeout=5"), "read-timeout", write(right)},
		{"a prefix of its own", edit("^/app", "^/elsewhere"), "mount-elsewhere", write(right)},
		{"ProxyPass of a prefix that the units don't have", write(strings.Replace(passed, "/app ", "/pass ", 1)), "script-name-wrong", write(passed)},
		{"a mistake", func() { s.Write(conf, "Nonsense\n") }, "apache-configuration", write(right)},
		{"a group", s.group, "socket-denied", nil},
	}
}

func (s *site) lighttpdBreaks() []brokenServer {
	const conf = "/etc/lighttpd/conf-available/50-app.conf"
	right := s.Run("/usr/local/bin/socketgi", "lighttpd", "app")
	write := func(text string) func() {
		return func() { s.Write(conf, text); s.Run("systemctl", "restart", "lighttpd") }
	}
	edit := func(old, new string) func() {
		return func() {
			require.Contains(s.t, right, old)
			write(strings.ReplaceAll(right, old, new))()
		}
	}
	run := func(command string) func() { return func() { s.Run("sh", "-ec", command) } }
	open := strings.NewReplacer(`$HTTP["url"] =~ "^/app(/|$)" {`, "", "\n}\n", "\n").Replace(right)
	return []brokenServer{
		{"nothing is there", func() {}, "location-missing", nil},
		{"stopped", run("systemctl stop lighttpd"), "lighttpd-stopped", nil},
		{"not enabled", run("lighty-disable-mod app; systemctl restart lighttpd"), "location-not-included", nil},
		{"not reloaded", func() {
			run("rm /etc/lighttpd/conf-enabled/50-app.conf; systemctl restart lighttpd")()
			// systemd doesn't wait until lighttpd has read its files.
			s.Wait("lighttpd to answer", func() error { return s.asks("/app/", "") })
			run("ln -s ../conf-available/50-app.conf /etc/lighttpd/conf-enabled/")()
		}, "lighttpd-runs-another-configuration", nil},
		{"a path mistyped", edit("/app.sock", "/ap.sock"), "socket-path-mistyped", nil},
		{"files are looked for", edit(`"check-local" => "disable",`, ""), "check-local", nil},
		{"no module", edit("server.modules", "# server.modules"), "module-missing", nil},
		{"other paths", write(open), "prefix-of-others", write(right)},
		{"held back", edit("server.stream-response-body", "# server.stream-response-body"), "response-held-back", write(right)},
		{"a prefix of its own", write(strings.NewReplacer(`"^/app`, `"^/elsewhere`, `"/app"`, `"/elsewhere"`).Replace(right)), "mount-elsewhere", write(right)},
		{"a mistake", func() { s.Write(conf, "nonsense\n") }, "lighttpd-configuration", write(right)},
	}
}
