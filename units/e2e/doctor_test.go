package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// finding is one of socketgi doctor --json.
type finding struct{ Check, Level, What, Why, Mend string }

// examine runs socketgi doctor, and returns what it says of an application that isn't
// well.
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

// healthy checks that the doctor finds nothing wrong.
func (s *site) healthy(name string) {
	s.t.Helper()
	found, status := s.examine(name)
	assert.Empty(s.t, found)
	assert.Zero(s.t, status)
}

// TestDoctorHealthy examines applications of all kinds with which all is well.
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
	assert.Contains(t, out, "  ok  loads    /srv/article.py loads as a dynamic user, in its sandbox\n")
	t.Logf("%s", out)

	// Since systemd 255 this makes every unit of the machine say that it has to be read again.
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

	// It leaves nothing behind.
	out, _ = s.Try("sh", "-c", "ls -d /run/systemd/system/*socketgi*")
	assert.Contains(t, out, "No such file")
	s.Run("systemctl", "stop", "warm.service", "stays.service")
	s.allEnded("made-up")
	out, _ = s.Try("systemctl", "list-units", "--all", "--plain", "--no-legend", "*socketgi_check*", "socketgi-check*")
	assert.Empty(t, out)
}

// TestDoctorBroken breaks a set-up in one way at a time. The doctor has to name it, and
// what it says mends it has to.
func TestDoctorBroken(t *testing.T) {
	s := newSite(t)
	s.Write("/etc/systemd/system/nginx.service.d/often.conf", "[Unit]\nStartLimitIntervalSec=0\n")
	s.serve("app", "article.py", "/app", "--user", "www-data", "--concurrency", "5")
	s.healthy("app")
	const conf, unitDir = "/etc/nginx/apps/app.conf", "/etc/systemd/system/"
	location := s.Run("cat", conf)
	article := s.Run("cat", "/srv/article.py")
	service := s.Run("cat", unitDir+"app@.service")
	// nginx has another location, or one with something else in it.
	nginx := func(text string) func() {
		return func() { s.Write(conf, text); s.Run("systemctl", "restart", "nginx") }
	}
	replaced := func(old, new string) string {
		require.Contains(t, location, old)
		return strings.Replace(location, old, new, 1)
	}
	run := func(command string) func() {
		return func() {
			s.Run("mkdir", "-p", unitDir+"app.socket.d", unitDir+"app@.service.d")
			s.Run("sh", "-ec", command)
		}
	}
	for _, c := range []struct {
		name         string
		spoil        func()
		check, level string
		what         string
		mend         string // part of what is said to mend it
		by           func() // how it is mended where that is no command; nil: by that command
	}{
		{"socket stopped", run("systemctl stop app.socket"), "listens", "error", "app.socket is stopped (inactive)", "systemctl start app.socket", nil},
		{"not enabled", run("systemctl disable --quiet app.socket"), "listens", "warning", "app.socket is not enabled (disabled)", "systemctl enable app.socket", nil},
		{"socket file removed", run("rm /run/socketgi/app.sock"), "listens", "error", "/run/socketgi/app.sock is gone", "systemctl restart app.socket", nil},
		{"mode of the socket", run("chmod 0666 /run/socketgi/app.sock"), "listens", "warning", "has mode 0666, and the unit says 0660", "", nil},
		{"another program listens", func() {
			s.Run("rm", "/run/socketgi/app.sock")
			s.Run("systemd-run", "--quiet", "--unit=thief", "python3", "-c", `import os, socket, time
s = socket.socket(socket.AF_UNIX); s.bind("/run/socketgi/app.sock"); s.listen()
os.chown("/run/socketgi/app.sock", 0, `+strings.TrimSpace(s.Run("id", "-g", "www-data"))+`); os.chmod("/run/socketgi/app.sock", 0o660)
time.sleep(1000)`)
			s.Wait("the other program", func() error {
				_, err := s.Try("sh", "-c", "test $(stat -c %a /run/socketgi/app.sock) = 660 && systemctl is-active thief")
				return err
			})
		}, "connect", "error", "(python3) listens at /run/socketgi/app.sock, and not systemd", "systemctl restart app.socket", nil},
		{"wrong group", run("printf '[Socket]\nSocketGroup=daemon\n' > " + unitDir + "app.socket.d/group.conf; systemctl daemon-reload; systemctl restart app.socket"),
			"connect", "error", "www-data may not connect to /run/socketgi/app.sock, which has user root, group daemon and mode 0660", "SocketGroup=www-data", nil},
		{"web server not allowed", func() {
			s.Write(unitDir+"app@.service", strings.Replace(service, "--allow-uid ", "--allow-uid 7", 1))
			s.Run("systemctl", "daemon-reload")
		}, "connect", "error", "and not www-data", "--allow-uid 7", nil},
		{"web server not to be seen", func() {
			s.Write(unitDir+"app@.service", service)
			run("printf '[Service]\nPrivateUsers=yes\n' > " + unitDir + "app@.service.d/users.conf; systemctl daemon-reload")()
		}, "connect", "error", "PrivateUsers= hides from app@.service which user connects", "ExecStart=", nil},
		{"folder of the socket", run("chmod 0700 /run/socketgi"), "connect", "error", "www-data may not enter /run/socketgi, which has mode 0700", "chmod a+x /run/socketgi", nil},
		{"daemon-reload forgotten", run("printf '[Socket]\nBacklog=100\n' > " + unitDir + "app.socket.d/backlog.conf"), "units", "error", "app.socket has changed since systemd read it", "systemctl daemon-reload", nil},
		{"daemon-reload forgotten after an edit", run("sed -i s/^MaxConnections=.*/MaxConnections=500/ " + unitDir + "app.socket"), "units", "error", "app.socket has changed since systemd read it", "systemctl daemon-reload", nil},
		{"unknown directive", run("printf '[Service]\nMemoryMaximum=1G\n' > " + unitDir + "app@.service.d/x.conf; systemctl daemon-reload"),
			"units", "warning", unitDir + "app@.service.d/x.conf:2: Unknown key 'MemoryMaximum'", "x.conf", run("rm " + unitDir + "app@.service.d/x.conf; systemctl daemon-reload")},
		{"syntax error in a drop-in", run("printf '[Service\nMemoryMax=1G\n' > " + unitDir + "app@.service.d/x.conf; systemctl daemon-reload"),
			"units", "error", unitDir + "app@.service.d/x.conf", "x.conf", run("rm " + unitDir + "app@.service.d/x.conf; systemctl daemon-reload")},
		{"trigger limit", run("printf '[Socket]\nTriggerLimitIntervalSec=2s\nTriggerLimitBurst=200\n' > " + unitDir + "app.socket.d/limit.conf; systemctl daemon-reload; systemctl restart app.socket"),
			"limits", "warning", "200 connections within 2s stop app.socket for good", "TriggerLimitIntervalSec=0", nil},
		{"trigger limit hit", func() {
			s.Run("sh", "-ec", "mkdir -p "+unitDir+"app.socket.d; printf '[Socket]\nTriggerLimitIntervalSec=1min\nTriggerLimitBurst=3\n' > "+unitDir+"app.socket.d/zlimit.conf; systemctl daemon-reload; systemctl restart app.socket")
			s.Wait("the limit to be hit", func() error {
				if c, err := net.Dial("unix", s.Path("/run/socketgi/app.sock")); err == nil {
					c.Close()
				}
				if out, _ := s.Try("systemctl", "is-failed", "app.socket"); out != "failed\n" {
					return fmt.Errorf("it is %s", out)
				}
				return nil
			})
			s.Run("sh", "-ec", "rm "+unitDir+"app.socket.d/zlimit.conf; systemctl daemon-reload")
		}, "listens", "error", "app.socket has failed: trigger-limit-hit", "systemctl reset-failed app.socket", nil},
		{"no room to wait", run("printf '[Socket]\nMaxConnections=4\n' > " + unitDir + "app.socket.d/most.conf; systemctl daemon-reload; systemctl restart app.socket"),
			"limits", "warning", "MaxConnections=4 leaves no room to wait for one of the 5 places", "MaxConnections=1024", nil},
		{"user mistyped", func() {
			s.Write(unitDir+"app@.service", strings.Replace(service, "User=www-data", "Usr=www-data", 1))
			s.Run("systemctl", "daemon-reload")
		}, "user", "error", "it runs as root: app@.service has neither User= nor DynamicUser=", "DynamicUser=yes", func() {
			s.Write(unitDir+"app@.service", service)
			s.Run("systemctl", "daemon-reload")
		}},
		{"user root", run("printf '[Service]\\nUser=0\\n' > " + unitDir + "app@.service.d/user.conf; systemctl daemon-reload"),
			"user", "error", "it runs as root: app@.service has User=0", "DynamicUser=yes", run("rm " + unitDir + "app@.service.d/user.conf; systemctl daemon-reload")},
		{"no such module", func() { s.Write("/srv/article.py", "import nosuchmodule\n"+article) }, "loads", "error", "ModuleNotFoundError: No module named 'nosuchmodule'", "correct it",
			func() { s.Write("/srv/article.py", article) }},
		{"it prints what steers a terminal", func() { s.Write("/srv/article.py", "raise ValueError('\x1b[2J' + 5000 * 'x' + 'end')\n"+article) }, "loads", "error", "xxxend", "correct it",
			func() { s.Write("/srv/article.py", article) }},
		{"no such application", run("mv /srv/article.py /srv/away.py"), "loads", "error", "/srv/article.py doesn't load as www-data", "correct it", run("mv /srv/away.py /srv/article.py")},
		{"application not readable", run("chmod 0600 /srv/article.py"), "loads", "error", "/srv/article.py", "chmod a+r /srv/article.py", nil},
		{"folder of the application", run("chmod 0700 /srv"), "loads", "error", "the folder /srv can't be entered by www-data", "chmod a+x /srv", nil},
		{"sandbox hides the application", run("printf '[Service]\nTemporaryFileSystem=/srv\n' > " + unitDir + "app@.service.d/a.conf; systemctl daemon-reload"),
			"loads", "error", "/srv/article.py", "BindReadOnlyPaths=/srv/article.py", nil},
		{"import takes a file that it may not read", func() {
			s.Write("/srv/settings", "")
			s.Run("chmod", "0600", "/srv/settings")
			s.Write("/srv/article.py", "open('/srv/settings')\n"+article)
		}, "loads", "error", "PermissionError: [Errno 13] Permission denied: '/srv/settings'", "chmod a+r /srv/settings", nil},
		{"Python missing", func() {
			s.Write(unitDir+"app@.service", strings.Replace(service, "--python /usr/bin/python3", "--python /opt/python", 1))
			s.Run("systemctl", "daemon-reload")
		}, "loads", "error", "/opt/python is not there", "", func() { s.Write(unitDir+"app@.service", service); s.Run("systemctl", "daemon-reload") }},
		{"adapter missing", run("mv /usr/local/lib/socketgi /usr/local/lib/away"), "loads", "error", "/usr/local/lib/socketgi/socketgi-adapter can't be executed", "",
			run("mv /usr/local/lib/away /usr/local/lib/socketgi")},
		{"user missing", func() {
			s.Write(unitDir+"app@.service", strings.Replace(service, "User=www-data", "User=hello", 1))
			s.Run("systemctl", "daemon-reload")
		}, "loads", "error", "the user of app@.service is not there: hello", "adduser --system --group hello", func() {
			s.Write(unitDir+"app@.service", service)
			s.Run("systemctl", "daemon-reload")
		}},
		{"nginx doesn't include it", run("mkdir -p /etc/nginx/snippets; mv " + conf + " /etc/nginx/snippets/app.conf; systemctl restart nginx"), "nginx", "error",
			"nginx passes no request to /run/socketgi/app.sock; /etc/nginx/snippets/app.conf would, and nothing includes that", "include /etc/nginx/snippets/app.conf;",
			run("mv /etc/nginx/snippets/app.conf " + conf + "; systemctl restart nginx")},
		{"nginx has no location", nginx(""), "nginx", "error", "nginx passes no request to /run/socketgi/app.sock", "socketgi nginx app > ", nginx(location)},
		{"nginx's configuration is wrong", func() { s.Write(conf, "nonsense;\n") }, "nginx", "error", `unknown directive "nonsense" in ` + conf + ":1", "", nginx(location)},
		{"nginx stopped", run("systemctl stop nginx"), "nginx", "error", "nginx doesn't run", "systemctl enable --now nginx", run("systemctl start nginx")},
		{"request buffering", nginx(replaced("scgi_pass", "scgi_request_buffering off;\n    scgi_pass")), "nginx", "error", "scgi_request_buffering off", "scgi_request_buffering on", nil},
		{"another protocol", nginx("location /app {\n    fastcgi_pass unix:/run/socketgi/app.sock;\n}\n"), "nginx", "error", "fastcgi_pass passes requests to the application's socket", "scgi_pass", nginx(location)},
		{"no parameters", nginx(replaced("include scgi_params;", "")), "nginx", "error", "scgi_params is not included", "include scgi_params;", nil},
		{"wrong SCRIPT_NAME", nginx(replaced("SCRIPT_NAME /app;", "SCRIPT_NAME /other;")), "nginx", "error",
			`/app/example has SCRIPT_NAME="/other" PATH_INFO="/app/example", which together are another path`, "socketgi nginx app --mount /app", nginx(location)},
		{"no SCRIPT_NAME", nginx("location /app {\n    include scgi_params;\n    scgi_read_timeout 105s;\n    scgi_pass unix:/run/socketgi/app.sock;\n}\n"), "nginx", "warning",
			"the location is /app, and nothing says so to the application", "scgi_param SCRIPT_NAME /app", nil},
		{"nginx is less patient", nginx(replaced("scgi_read_timeout 105s", "scgi_read_timeout 90s")), "nginx", "warning",
			"nginx waits 1m30s (scgi_read_timeout), and a request may wait 30s and take 1m0s", "scgi_read_timeout 105s", nil},
		{"httpoxy", nginx(replaced("scgi_pass", "scgi_param HTTP_PROXY $http_proxy;\n    scgi_pass")), "nginx", "error", "hands a client's Proxy header on", "sed -i", nil},
		{"nginx not reloaded", run("touch -d '1 minute' " + conf), "nginx", "warning", "nginx has not read " + conf + " since it was changed", "socketgi nginx --reload",
			run("touch " + conf + "; socketgi nginx --reload")},
	} {
		t.Run(c.name, func(t *testing.T) {
			outer := s.t
			s.t = t
			defer func() { s.t = outer }()
			c.spoil()
			found, status := s.examine("app")
			assert.Equal(t, map[string]int{"warning": 1, "error": 2}[c.level], status)
			var named *finding
			for _, f := range found {
				if f.Check == c.check && strings.Contains(f.What, c.what) {
					named = &f
				}
			}
			if assert.NotNil(t, named, "%q is not among %q", c.what, found) {
				assert.Equal(t, c.level, named.Level)
				assert.Contains(t, named.Mend, c.mend)
				assert.NotEmpty(t, named.Why)
			}
			if c.by != nil {
				c.by()
			} else if named != nil {
				out, err := s.Try("sh", "-ec", named.Mend)
				assert.NoError(t, err, "%s: %s", named.Mend, out)
			}
			s.healthy("app")
			assert.Equal(t, "Hello world!\n", s.get("/app").body)
			// The next one begins without drop-ins, and with a set-up that works.
			s.Run("sh", "-c", "rm -rf "+unitDir+"app.socket.d "+unitDir+"app@.service.d; systemctl daemon-reload; systemctl restart app.socket")
			if t.Failed() {
				s.Run("sh", "-c", "systemctl stop thief; chmod 755 /srv /srv/article.py; systemctl enable app.socket")
				s.Write("/srv/article.py", article)
				s.Write(unitDir+"app@.service", service)
				s.Write(conf, location)
				s.Run("sh", "-c", "systemctl reset-failed app.socket; systemctl daemon-reload; systemctl restart app.socket nginx")
			}
		})
	}
	_, status := s.examine("app")
	assert.Zero(t, status)
	err := s.Command("/usr/local/bin/socketgi", "doctor", "nobody").Run()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 2, exit.ExitCode())
}

// TestDoctorWithoutRoot says what it couldn't check.
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
