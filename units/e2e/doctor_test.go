package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// finding is a finding of socketgi doctor --json.
type finding struct{ Check, ID, Level, What, Why, Mend, Do string }

// examine runs socketgi doctor, and returns the findings about an application with problems.
func (s *site) examine(name string) (found []finding, status int) {
	s.t.Helper()
	cmd := s.Command("/usr/local/bin/socketgi", "doctor", "--json", name)
	out, err := cmd.Output()
	var reports []struct {
		Name     string
		Findings []finding
	}
	require.NoError(s.t, json.Unmarshal(out, &reports), "%v: %s", err, out)
	require.Len(s.t, reports, 1)
	assert.Equal(s.t, name, reports[0].Name)
	for _, f := range reports[0].Findings {
		if f.Level != "ok" && f.Level != "note" {
			found = append(found, f)
		}
	}
	return found, cmd.ProcessState.ExitCode()
}

// healthy checks that doctor finds no problem.
func (s *site) healthy(name string) {
	s.t.Helper()
	found, status := s.examine(name)
	assert.Empty(s.t, found)
	assert.Zero(s.t, status)
}

// TestDoctorHealthy examines applications of all kinds without problems.
func TestDoctorHealthy(t *testing.T) {
	s := newSite(t)
	s.serve("made-up", "article.py", "/made-up")
	s.serve("strict", "article.py", "/strict", "--profile", "strict", "--state", "--mount", "/strict")
	s.serve("stays", "article.py", "/stays", "--accept", "no", "--mount", "/stays")
	s.serve("root", "flaskapp.py:app", "", "--user", "www-data")
	s.Write("/srv/cgi/hello.cgi", "#!/bin/sh\necho Content-Type: text/plain; echo; echo hello\n")
	s.Run("chmod", "755", "/srv/cgi/hello.cgi")
	s.install(s.Run("/usr/local/bin/socketgi", "units", "warm", "--accept", "no", "--cgi", "--", "/srv/cgi/hello.cgi"))
	s.Write("/etc/nginx/apps/warm.conf", s.Run("/usr/local/bin/socketgi", "nginx", "warm", "--mount", "/warm"))
	s.start("warm")
	s.Run("ip", "link", "set", "lo", "up")
	port := s.freePort()
	s.install(s.Run("/usr/local/bin/socketgi", "units", "port", "/srv/article.py", "--python", "/usr/bin/python3", "--listen", port))
	s.Write("/etc/nginx/apps/port.conf", s.Run("/usr/local/bin/socketgi", "nginx", "port", "--mount", "/port", "--listen", port))
	s.start("port")
	owners := func() string {
		return s.Run("sh", "-c", "stat -Lc '%n %u %g' /run/socketgi-* /var/lib/strict")
	}
	for _, name := range []string{"made-up", "strict", "warm"} {
		assert.Equal(t, 200, s.get("/"+name).StatusCode)
	}
	before := owners()
	for _, name := range []string{"made-up", "strict", "stays", "root", "warm", "port"} {
		s.healthy(name)
	}
	after := owners()
	for line := range strings.Lines(before) {
		assert.Contains(t, after, line, "users that systemd makes up keep what is theirs")
	}
	assert.Equal(t, "hello\n", s.get("/warm").body)
	s.healthy("warm") // while it runs
	assert.Equal(t, "hello\n", s.get("/warm").body)

	out, err := s.Try("/usr/local/bin/socketgi", "doctor")
	assert.NoError(t, err, "%s", out)
	assert.Contains(t, out, "\nthis machine\n")
	assert.Contains(t, out, `/made-up/example has SCRIPT_NAME="/made-up" PATH_INFO="/example"`)
	assert.Contains(t, out, "  ok  loads    /srv/article.py loads by WSGI as a dynamic user, in its sandbox\n")
	t.Logf("%s", out)

	// Since systemd 255 this makes all units of the machine need a daemon-reload.
	s.Run("busctl", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager",
		"EnableUnitFiles", "asbb", "1", "nginx.service", "false", "true")
	s.healthy("strict")
	assert.NotContains(t, s.Run("/usr/local/bin/socketgi", "status", "strict"), "daemon-reload")
	s.Run("sh", "-c", "echo >> /etc/systemd/system/strict.socket")
	found, _ := s.examine("strict")
	require.Len(t, found, 1)
	assert.Equal(t, "strict.socket has changed since systemd read it", found[0].What)
	out, _ = s.Try("/usr/local/bin/socketgi", "status", "strict")
	assert.Contains(t, out, "daemon-reload")

	// It leaves no files.
	out, _ = s.Try("sh", "-c", "ls -d /run/systemd/system/*socketgi*")
	assert.Contains(t, out, "No such file")
	s.Run("systemctl", "stop", "warm.service", "stays.service")
	s.allEnded("made-up")
	out, _ = s.Try("systemctl", "list-units", "--all", "--plain", "--no-legend", "*socketgi_check*", "socketgi-check*")
	assert.Empty(t, out)
}

// TestDoctorWithoutRoot checks that doctor reports the checks that require root.
func TestDoctorWithoutRoot(t *testing.T) {
	s := newSite(t)
	s.serve("app", "article.py", "/app")
	out, err := s.Try("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "/usr/local/bin/socketgi", "doctor", "app")
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "%s", out)
	assert.Equal(t, 1, exit.ExitCode(), "%s", out)
	assert.Contains(t, out, "  ??  connect  not checked: only root can try to connect as www-data\n               mend: sudo socketgi doctor app\n")
	assert.Contains(t, out, "  ??  loads    not checked: only root can start it with its user and sandbox\n")
	assert.Contains(t, out, "  ??  nginx    not checked: ")
}

// TestDoctorUserManager examines an application of a user's service manager.
func TestDoctorUserManager(t *testing.T) {
	s := newSite(t)
	run, runtime := s.userManager("somebody")
	s.Write("/srv/hello.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nhello\\n'\n")
	s.Run("chmod", "755", "/srv/hello.cgi")
	out, err := run("/usr/local/bin/socketgi", "add", "cgi", "--cgi", "--user-manager", "--now", "--", "/srv/hello.cgi")
	require.NoError(t, err, "%s", out)
	examine := func() string {
		out, err := run("/usr/local/bin/socketgi", "doctor", "cgi", "--user-manager")
		assert.Error(t, err)
		return out
	}
	out = examine()
	assert.Contains(t, out, "somebody ends with their last session")
	assert.Contains(t, out, "mend: loginctl enable-linger")
	assert.Contains(t, out, "www-data may not enter "+runtime)
	assert.Contains(t, out, "hello.cgi loads as this user")
	s.Run("install", "-D", "/dev/null", "/var/lib/systemd/linger/somebody") // as logind does
	out, err = run("systemctl", "--user", "stop", "cgi.socket")
	require.NoError(t, err, "%s", out)
	out = examine()
	assert.NotContains(t, out, "last session")
	assert.Contains(t, out, "mend: systemctl --user start cgi.socket")
}

// TestDoctorPort has another program listen at the port of an application.
func TestDoctorPort(t *testing.T) {
	s := newSite(t)
	s.Run("ip", "link", "set", "lo", "up")
	listen := s.freePort()
	_, port, err := net.SplitHostPort(listen)
	require.NoError(t, err)
	s.Install("testdata/article.py", "/srv/article.py", 0o755)
	s.place([]string{"port", "/srv/article.py", "--python", "/usr/bin/python3", "--listen", listen}, []string{"port", "--mount", "/port", "--listen", listen})
	s.start("port")
	s.healthy("port")
	s.Run("systemctl", "stop", "port.socket")
	s.Run("systemd-run", "--quiet", "--unit=thief", "python3", "-m", "http.server", "--bind", "127.0.0.1", port)
	s.Wait("the other program", func() error {
		_, err := s.Try("sh", "-c", "grep -qi ':"+fmt.Sprintf("%04X", atoi(t, port))+" 00000000:0000 0A' /proc/net/tcp")
		return err
	})
	found, status := s.examine("port")
	assert.Equal(t, 2, status)
	require.Len(t, found, 1, "%+v", found)
	assert.Contains(t, found[0].What, "(python3) listens at "+listen+", not systemd")
	s.Run("systemctl", "stop", "thief")
	s.Run("systemctl", "start", "port.socket")
	s.healthy("port")
}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}
