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

// mendNotes runs the mend of a note, and checks that the note is gone and the page is served.
func (s *site) mendNotes(t *testing.T, id string) {
	t.Helper()
	notes := func() (mends []string) {
		out, _ := s.Command("/usr/local/bin/socketgi", "doctor", "--json", "app").Output()
		var reports []struct{ Findings []finding }
		require.NoError(t, json.Unmarshal(out, &reports), "%s", out)
		for _, f := range reports[0].Findings {
			if f.ID == id {
				mends = append(mends, f.Mend)
			}
		}
		return mends
	}
	mends := notes()
	require.Len(t, mends, 1)
	out, err := s.Try("sh", "-ec", mends[0])
	require.NoError(t, err, "%s: %s", mends[0], out)
	assert.Empty(t, notes())
	s.healthy("app")
	assert.Equal(t, "Hello world!\n", s.get("/app").body)
}

// tableRow is the result of one break.
type tableRow struct{ name, cause, mend, page string }

func printed(table []tableRow) string {
	var b strings.Builder
	for i, r := range table {
		fmt.Fprintf(&b, "%2d. %s | %s | %s | %s\n", i+1, r.name, r.cause, r.mend, r.page)
	}
	return b.String()
}

// TestDoctorBroken breaks a set-up in one way at a time: doctor must name the cause, and its mend must repair
// it.
func TestDoctorBroken(t *testing.T) {
	s := newSite(t)
	s.Write("/etc/systemd/system/nginx.service.d/often.conf", "[Unit]\nStartLimitIntervalSec=0\n")
	s.Run("ip", "link", "set", "lo", "up")
	s.serve("other", "article.py", "/other")
	s.serve("app", "article.py", "/app", "--user", "www-data", "--concurrency", "5")
	s.Run("/usr/local/bin/socketgi", "refresh") // otherwise hundreds of processes would compile the runtime
	s.healthy("app")
	const conf, unitDir = "/etc/nginx/apps/app.conf", "/etc/systemd/system/"
	location := s.Run("cat", conf)
	const byHand = `location /app {
    include scgi_params;
    scgi_param SCRIPT_NAME /app;
    scgi_read_timeout 105s;
    scgi_buffer_size 32k;
    scgi_buffers 16 32k;
    scgi_busy_buffers_size 64k;
    scgi_pass unix:/run/socketgi/app.sock;
}
`
	article := s.Run("cat", "/srv/article.py")
	service := s.Run("cat", unitDir+"app@.service")
	socket := s.Run("cat", unitDir+"app.socket")
	server := s.Run("cat", "/etc/nginx/sites-enabled/default")
	var table []tableRow
	// nginx changes the location of nginx.
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
		mend         string // part of the mend
		by           func() // its repair without a command; nil: the command
		alone        bool   // the only finding
	}{
		{"socket stopped", run("systemctl stop app.socket"), "listens", "error", "app.socket is stopped (inactive)", "systemctl start app.socket", nil, false},
		{"not enabled", run("systemctl disable --quiet app.socket"), "listens", "warning", "app.socket is not enabled (disabled)", "systemctl enable app.socket", nil, false},
		{"socket file removed", run("rm /run/socketgi/app.sock"), "listens", "error", "/run/socketgi/app.sock does not exist", "systemctl restart app.socket", nil, false},
		{"mode of the socket", run("chmod 0666 /run/socketgi/app.sock"), "listens", "warning", "has mode 0666, but SocketMode= is 0660", "", nil, false},
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
		}, "connect", "error", "(python3) listens at /run/socketgi/app.sock, not systemd", "systemctl restart app.socket", nil, false},
		{"wrong group", run("printf '[Socket]\nSocketGroup=daemon\n' > " + unitDir + "app.socket.d/group.conf; systemctl daemon-reload; systemctl restart app.socket"),
			"connect", "error", "www-data may not connect to /run/socketgi/app.sock, which has user root, group daemon and mode 0660", "SocketGroup=www-data", nil, false},
		{"web server not allowed", func() {
			s.Write(unitDir+"app@.service", strings.Replace(service, "--allow-uid ", "--allow-uid 7", 1))
			s.Run("systemctl", "daemon-reload")
		}, "connect", "error", "and not www-data", "--allow-uid 7", nil, false},
		{"web server not to be seen", func() {
			s.Write(unitDir+"app@.service", service)
			run("printf '[Service]\nPrivateUsers=yes\n' > " + unitDir + "app@.service.d/users.conf; systemctl daemon-reload")()
		}, "connect", "error", "PrivateUsers= hides the connecting user from app@.service", "ExecStart=", nil, false},
		{"folder of the socket", run("chmod 0700 /run/socketgi"), "connect", "error", "www-data may not enter /run/socketgi, which has mode 0700", "chmod a+x /run/socketgi", nil, false},
		{"daemon-reload forgotten", run("printf '[Socket]\nBacklog=100\n' > " + unitDir + "app.socket.d/backlog.conf"), "units", "error", "app.socket has changed since systemd read it", "systemctl daemon-reload", nil, false},
		{"daemon-reload forgotten after an edit", run("sed -i s/^MaxConnections=.*/MaxConnections=500/ " + unitDir + "app.socket"), "units", "error", "app.socket has changed since systemd read it", "systemctl daemon-reload", nil, false},
		{"unknown directive", run("printf '[Service]\nMemoryMaximum=1G\n' > " + unitDir + "app@.service.d/x.conf; systemctl daemon-reload"),
			"units", "warning", unitDir + "app@.service.d/x.conf:2: Unknown key 'MemoryMaximum'", "correct that line", run("rm " + unitDir + "app@.service.d/x.conf; systemctl daemon-reload"), false},
		{"syntax error in a drop-in", run("printf '[Service\nMemoryMax=1G\n' > " + unitDir + "app@.service.d/x.conf; systemctl daemon-reload"),
			"units", "error", unitDir + "app@.service.d/x.conf", "x.conf", nil, true},
		{"trigger limit", run("printf '[Socket]\nTriggerLimitIntervalSec=2s\nTriggerLimitBurst=200\n' > " + unitDir + "app.socket.d/limit.conf; systemctl daemon-reload; systemctl restart app.socket"),
			"limits", "warning", "200 connections within 2s stop app.socket for good", "TriggerLimitIntervalSec=0", nil, false},
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
		}, "listens", "error", "app.socket has failed: trigger-limit-hit", "systemctl reset-failed app.socket", nil, false},
		{"no room to wait", run("printf '[Socket]\nMaxConnections=4\n' > " + unitDir + "app.socket.d/most.conf; systemctl daemon-reload; systemctl restart app.socket"),
			"limits", "warning", "MaxConnections=4 leaves no connections for a queue behind the 5 slots", "MaxConnections=1024", nil, false},
		{"user mistyped", func() {
			s.Write(unitDir+"app@.service", strings.Replace(service, "User=www-data", "Usr=www-data", 1))
			s.Run("systemctl", "daemon-reload")
		}, "units", "error", ": Usr= is no directive, and so app@.service runs as root", "User=", nil, true},
		{"user root", run("printf '[Service]\\nUser=0\\n' > " + unitDir + "app@.service.d/user.conf; systemctl daemon-reload"),
			"user", "error", "it runs as root: app@.service has User=0", "DynamicUser=yes", nil, true},
		{"ListenStream misspelled", run("sed -i s/^ListenStream=/ListenSteam=/ " + unitDir + "app.socket; systemctl daemon-reload; systemctl stop app.socket"),
			"units", "error", unitDir + "app.socket:10: ListenSteam= is no directive, and so app.socket has no ListenStream=", "sed -i", nil, true},
		{"ListenStream taken back by a drop-in", run("printf '[Socket]\nListenStream=\n' > " + unitDir + "app.socket.d/l.conf; systemctl daemon-reload; systemctl stop app.socket"),
			"units", "error", "app.socket has no ListenStream=", "ListenStream=", run("rm " + unitDir + "app.socket.d/l.conf; systemctl daemon-reload; systemctl restart app.socket"), true},
		{"a second ExecStart=", run("printf '[Service]\n\nExecStart=/usr/local/lib/socketgi/socketgi-adapter --allow-user www-data --mount /app /srv/article.py\n' > " + unitDir + "app@.service.d/e.conf; systemctl daemon-reload"),
			"units", "error", unitDir + "app@.service.d/e.conf:3: a second ExecStart=, besides the one at " + unitDir + "app@.service:", "3i ExecStart=", nil, true},
		{"service missing", run("rm " + unitDir + "app@.service; systemctl daemon-reload"), "units", "error", "app.socket exists, but app@.service is missing", "restore", func() {
			s.Write(unitDir+"app@.service", service)
			s.Run("systemctl", "daemon-reload")
			s.Run("systemctl", "restart", "app.socket")
		}, true},
		{"service masked", run("ln -sf /dev/null " + unitDir + "app@.service; systemctl daemon-reload"), "units", "error", unitDir + "app@.service: the unit is masked", "restore", func() {
			s.Run("rm", unitDir+"app@.service")
			s.Write(unitDir+"app@.service", service)
			s.Run("systemctl", "daemon-reload")
		}, true},
		{"service masked, with the file of a package", func() {
			s.Write("/usr/lib/systemd/system/app@.service", service)
			run("ln -sf /dev/null " + unitDir + "app@.service; systemctl daemon-reload")()
		}, "units", "error", unitDir + "app@.service: the unit is masked", "rm " + unitDir + "app@.service", nil, true},
		{"no Accept=", run("sed -i s/^Accept=/Acept=/ " + unitDir + "app.socket; systemctl daemon-reload"), "units", "error", "app.socket starts app.service (Accept=), but only app@.service", "Accept=", func() {
			s.Write(unitDir+"app.socket", socket)
			s.Run("systemctl", "daemon-reload")
			s.Run("systemctl", "restart", "app.socket")
		}, true},
		{"nginx masked", run("systemctl disable --quiet --now nginx; systemctl mask --quiet nginx"), "nginx", "error", "nginx.service is masked", "systemctl unmask", nil, true},
		{"no such module", func() { s.Write("/srv/article.py", "import nosuchmodule\n"+article) }, "loads", "error", "ModuleNotFoundError: No module named 'nosuchmodule'", "correct it",
			func() { s.Write("/srv/article.py", article) }, false},
		{"it prints what steers a terminal", func() { s.Write("/srv/article.py", "raise ValueError('\x1b[2J' + 5000 * 'x' + 'end')\n"+article) }, "loads", "error", "xxxend", "correct it",
			func() { s.Write("/srv/article.py", article) }, false},
		{"no such application", run("mv /srv/article.py /srv/away.py"), "loads", "error", "/srv/article.py doesn't load as www-data", "correct it", run("mv /srv/away.py /srv/article.py"), false},
		{"application not readable", run("chmod 0600 /srv/article.py"), "loads", "error", "/srv/article.py", "chmod a+r /srv/article.py", nil, false},
		{"folder of the application", run("chmod 0700 /srv"), "loads", "error", "the folder /srv can't be entered by www-data", "chmod a+x /srv", nil, false},
		{"sandbox hides the application", run("printf '[Service]\nTemporaryFileSystem=/srv\n' > " + unitDir + "app@.service.d/a.conf; systemctl daemon-reload"),
			"loads", "error", "/srv/article.py", "BindReadOnlyPaths=/srv/article.py", nil, false},
		{"import takes a file that it may not read", func() {
			s.Write("/srv/settings", "")
			s.Run("chmod", "0600", "/srv/settings")
			s.Write("/srv/article.py", "open('/srv/settings')\n"+article)
		}, "loads", "error", "PermissionError: [Errno 13] Permission denied: '/srv/settings'", "chmod a+r /srv/settings", nil, false},
		{"Python missing", func() {
			s.Write(unitDir+"app@.service", strings.Replace(service, "--python /usr/bin/python3", "--python /opt/python", 1))
			s.Run("systemctl", "daemon-reload")
		}, "loads", "error", "/opt/python does not exist", "", func() { s.Write(unitDir+"app@.service", service); s.Run("systemctl", "daemon-reload") }, false},
		{"adapter missing", run("mkdir -p /usr/local/libexec; mv /usr/local/lib/socketgi /usr/local/libexec/socketgi"), "loads", "error", "/usr/local/lib/socketgi/socketgi-adapter can't be executed", "install -D",
			nil, true},
		{"user missing", func() {
			s.Write(unitDir+"app@.service", strings.Replace(service, "User=www-data", "User=hello", 1))
			s.Run("systemctl", "daemon-reload")
		}, "loads", "error", "the user of app@.service does not exist: hello", "useradd --system --user-group hello", nil, true},
		{"nginx doesn't include it", run("mkdir -p /etc/nginx/snippets; mv " + conf + " /etc/nginx/snippets/app.conf; systemctl restart nginx"), "nginx", "error",
			"nginx passes no request to /run/socketgi/app.sock; /etc/nginx/snippets/app.conf would, but nothing includes it", "include /etc/nginx/snippets/app.conf;",
			nil, false},
		{"nginx has no location", nginx(""), "nginx", "error", "nginx passes no request to /run/socketgi/app.sock", "socketgi nginx app > ", nil, false},
		{"nginx's configuration is wrong", func() { s.Write(conf, "nonsense;\n") }, "nginx", "error", `unknown directive "nonsense" in ` + conf + ":1", "", nginx(location), false},
		{"nginx stopped", run("systemctl stop nginx"), "nginx", "error", "nginx doesn't run", "systemctl enable --now nginx", nil, false},
		{"request buffering", nginx(replaced("scgi_pass", "scgi_request_buffering off;\n    scgi_pass")), "nginx", "error", "scgi_request_buffering off", "scgi_request_buffering on", nil, false},
		{"another protocol", nginx("location /app {\n    fastcgi_pass unix:/run/socketgi/app.sock;\n}\n"), "nginx", "error", "fastcgi_pass passes requests to the application's socket", "scgi_pass", nil, false},
		{"no parameters", nginx(replaced("include scgi_params;", "")), "nginx", "error", "scgi_params is not included", "include scgi_params;", nil, false},
		{"wrong SCRIPT_NAME", nginx(replaced("SCRIPT_NAME /app;", "SCRIPT_NAME /other;")), "nginx", "error",
			`/app/example has SCRIPT_NAME="/other" PATH_INFO="/app/example", which together are another path`, "scgi_param SCRIPT_NAME /app;", nil, false},
		{"no SCRIPT_NAME", nginx("location /app {\n    include scgi_params;\n    scgi_read_timeout 105s;\n    scgi_pass unix:/run/socketgi/app.sock;\n}\n"), "nginx", "warning",
			"the location is /app, but SCRIPT_NAME is empty", "scgi_param SCRIPT_NAME /app", nil, false},
		{"nginx is less patient", nginx(replaced("scgi_read_timeout 105s", "scgi_read_timeout 90s")), "nginx", "warning",
			"nginx waits 1min 30s (scgi_read_timeout), and a request may wait 30s and take 1min", "scgi_read_timeout 105s", nil, false},
		{"httpoxy", nginx(replaced("scgi_pass", "scgi_param HTTP_PROXY $http_proxy;\n    scgi_pass")), "nginx", "error", "passes a client's Proxy header on", "sed -i", nil, false},
		{"nginx not reloaded", run("touch -d '1 minute' " + conf), "nginx", "warning", "nginx has not read " + conf + " since it was changed", "socketgi nginx --reload",
			run("touch " + conf + "; socketgi nginx --reload"), false},
		{"nginx not reloaded, and the file looks old", func() {
			nginx("")()
			s.Write(conf, location)
			s.Run("touch", "-d", "2001-01-01", conf)
		}, "answers", "error", "http://localhost/app/ is answered with 404, but the request did not reach app: nginx runs with another configuration than in its files", "socketgi nginx --reload", nil, true},
		{"a group that nginx's workers don't have yet", func() {
			s.Run("groupadd", "--force", "visitors")
			run("printf '[Socket]\nSocketGroup=visitors\n' > " + unitDir + "app.socket.d/g.conf; systemctl daemon-reload; systemctl restart app.socket; usermod -aG visitors www-data")()
		}, "answers", "error", "nginx's workers run without the group visitors, which www-data is in now", "socketgi nginx --reload", nil, true},
		{"a server block with the same name comes first", func() {
			s.Write("/etc/nginx/sites-enabled/another", "server {\n    listen unix:"+nginxSocket+";\n    listen 127.0.0.1:"+webPort+";\n    server_name localhost;\n    return 404;\n}\n")
			s.restartNginx()
		}, "answers", "error", "nginx chooses the server block at /etc/nginx/sites-enabled/another:1 for that name and port", "server_name", func() {
			s.Run("rm", "/etc/nginx/sites-enabled/another")
			s.restartNginx()
		}, true},
		{"another application at the place", func() {
			s.Write("/etc/nginx/sites-enabled/another", strings.Replace(server, "include /etc/nginx/apps/*.conf;", strings.ReplaceAll(location, "app.sock", "other.sock"), 1))
			s.restartNginx()
		}, "answers", "error", "http://localhost/app/ is answered by other, and not by app", "--mount /PATH", func() {
			s.Run("rm", "/etc/nginx/sites-enabled/another")
			s.restartNginx()
		}, true},
		{"the socket path of another application", run("mkdir -p " + unitDir + "other.socket.d; printf '[Socket]\nListenStream=\nListenStream=/run/socketgi/app.sock\n' > " + unitDir + "other.socket.d/l.conf; systemctl daemon-reload; systemctl restart other.socket"),
			"units", "error", "app.socket and other.socket both listen at /run/socketgi/app.sock", "ListenStream=", run("rm " + unitDir + "other.socket.d/l.conf; systemctl daemon-reload; systemctl restart other.socket app.socket"), true},
		{"an earlier regular expression", nginx("location ~ ^/app { return 404; }\n" + byHand), "nginx", "error", "nginx chooses another location for /app/: that at " + conf + ":1 (location ~ ^/app)", "location ^~", nil, true},
		{"a longer prefix", nginx("location /app/ { return 404; }\n" + byHand), "nginx", "error", "nginx chooses another location for /app/: that at " + conf + ":1 (location /app/)", "remove one", nginx(byHand), true},
		{"static files that are never served", nginx(strings.Replace(byHand, "location /app", "location ~ ^/app(?:/|$)", 1) + "location /app/static/ {\n    alias /srv/;\n}\n"), "nginx", "warning",
			conf + ":11: the files of alias /srv/ are never served", "location ^~", nil, true},
		{"nginx has it elsewhere", func() {
			s.Write(unitDir+"app@.service", strings.Replace(service, "--allow-uid", "--mount /elsewhere --allow-uid", 1))
			s.Run("systemctl", "daemon-reload")
		}, "nginx", "warning", "passes requests for /app to it, but its units have --mount /elsewhere", "--mount", func() {
			s.Write(unitDir+"app@.service", service)
			s.Run("systemctl", "daemon-reload")
		}, true},
		{"a socket path mistyped", nginx(strings.ReplaceAll(byHand, "app.sock", "ap.sock")), "nginx", "error", conf + ":8: scgi_pass unix:/run/socketgi/ap.sock is not unix:/run/socketgi/app.sock", "sed -i", nil, true},
		{"a socket path in the wrong folder", nginx(strings.ReplaceAll(location, "/run/socketgi/", "/run/")), "nginx", "error", "scgi_pass unix:/run/app.sock is not unix:/run/socketgi/app.sock", "sed -i",
			run("sed -i s,/run/app,/run/socketgi/app, " + conf + "; socketgi nginx --reload"), false},
		{"a second length", nginx(strings.Replace(byHand, "    scgi_pass", "    scgi_param CONTENT_LENGTH $content_length;\n    scgi_pass", 1)), "nginx", "warning", "scgi_param CONTENT_LENGTH $content_length, but nginx sends the length itself", "sed -i", nil, true},
		{"a length that is wrong", nginx(strings.Replace(byHand, "    scgi_pass", "    scgi_param CONTENT_LENGTH 5;\n    scgi_pass", 1)), "nginx", "error", "scgi_param CONTENT_LENGTH 5", "sed -i", nil, true},
		{"no room for request bodies", run("mount -t tmpfs -o size=16k,mode=1777 none /var/tmp; dd if=/dev/zero of=/var/tmp/full bs=4k count=4 status=none"), "room", "error", "/var/tmp is on a file system that is full", "free space",
			run("umount /var/tmp"), true},
		{"request bodies on a read-only file system", run("mount -t tmpfs -o ro none /var/tmp"), "room", "error", "/var/tmp is on a file system that is mounted read-only", "remount,rw", run("umount /var/tmp"), true},
		{"a log that is not whole", func() {
			run("printf '[Service]\nLogRateLimitIntervalSec=100ms\nLogRateLimitBurst=2\n' > " + unitDir + "app@.service.d/l.conf; systemctl daemon-reload")()
			s.Write("/srv/article.py", "import sys, time\ndef application(environ, start_response):\n    for i in range(50):\n        print(i, file=sys.stderr, flush=True)\n    time.sleep(0.3)\n"+
				"    print('end', file=sys.stderr, flush=True)\n    start_response('200 OK', [])\n    return [b'']\n")
			s.get("/app")
			s.Write("/srv/article.py", article)
			s.Run("journalctl", "--sync")
		}, "room", "warning", "the log is incomplete: Suppressed", "LogRateLimitIntervalSec=0", nil, true},
		{"failed instances are kept", run("mkdir -p " + unitDir + "app@.service.d; printf '[Unit]\nCollectMode=inactive\n' > " + unitDir + "app@.service.d/c.conf; systemctl daemon-reload"),
			"limits", "warning", "instances that failed are kept (CollectMode=inactive)", "CollectMode=inactive-or-failed", nil, true},
		{"a file instead of the socket", run("rm /run/socketgi/app.sock; touch /run/socketgi/app.sock"), "listens", "error", "/run/socketgi/app.sock is no socket", "rm ", nil, true},
		{"headers with underscores", func() {
			s.Write("/etc/nginx/sites-enabled/default", strings.Replace(server, "server {", "server {\n    underscores_in_headers on;", 1))
			s.restartNginx()
		}, "nginx", "warning", "headers with underscores are accepted", "remove underscores_in_headers", func() {
			s.Write("/etc/nginx/sites-enabled/default", server)
			s.restartNginx()
		}, false}, // one for each of two locations
		{"no headers of the client", nginx(strings.Replace(byHand, "    scgi_pass", "    scgi_pass_request_headers off;\n    scgi_pass", 1)), "nginx", "warning", "scgi_pass_request_headers off", "sed -i", nil, true},
		{"no bodies of requests", nginx(strings.Replace(byHand, "    scgi_pass", "    scgi_pass_request_body off;\n    scgi_pass", 1)), "nginx", "warning", "scgi_pass_request_body off", "sed -i", nil, true},
		{"the application raises", func() {
			s.Write("/srv/article.py", "def application(environ, start_response):\n    raise ValueError('no such article')\n")
		}, "answers", "error", "ValueError: no such article", "socketgi logs --errors app",
			func() { s.Write("/srv/article.py", article) }, true},
	} {
		t.Run(c.check+": "+c.name, func(t *testing.T) {
			outer := s.t
			s.t = t
			defer func() { s.t = outer }()
			c.spoil()
			row := tableRow{name: c.name, cause: "MISSED", mend: "-", page: "no"}
			defer func() { table = append(table, row) }()
			found, status := s.examine("app")
			assert.Equal(t, map[string]int{"warning": 1, "error": 2}[c.level], status)
			var named *finding
			for _, f := range found {
				assert.NotEmpty(t, f.Why+map[string]string{"unchecked": "-"}[f.Level], f.What)
				assert.NotEmpty(t, f.ID, f.What)
				assert.False(t, f.Mend != "" && f.Do != "" || f.Mend+f.Do == "" && f.Level != "unchecked", "one of a command and prose: %+v", f)
				if f.Check == c.check && strings.Contains(f.What, c.what) {
					named = &f
				}
			}
			if assert.NotNil(t, named, "%q is not among %q", c.what, found) {
				assert.Equal(t, c.level, named.Level)
				assert.Contains(t, named.Mend+named.Do, c.mend)
				lines := strings.Split(strings.TrimSpace(named.What), "\n")
				if row.cause = lines[0]; len(lines) > 1 { // the reason is the last line of a traceback
					row.cause += " " + lines[len(lines)-1]
				}
				if c.alone {
					assert.Len(t, found, 1, "one cause, and nothing that follows from it: %q", found)
				}
			}
			if named != nil && named.Mend != "" { // the command, pasted
				out, err := s.Try("sh", "-ec", named.Mend)
				if row.mend = "failed"; assert.NoError(t, err, "%s: %s", named.Mend, out) {
					row.mend = "done"
				}
			} else {
				row.mend = "by hand"
			}
			if c.by != nil {
				c.by()
			}
			s.healthy("app")
			if assert.Equal(t, "Hello world!\n", s.get("/app").body) {
				row.page = "yes"
			}
			// The next break begins without drop-ins, with a working set-up.
			s.Write("/srv/article.py", article)
			if now, _ := s.Try("sh", "-c", "cd "+unitDir+"; cat app.socket app@.service app*.d/* 2>/dev/null"); now != socket+service || t.Failed() {
				s.Write(unitDir+"app.socket", socket)
				s.Write(unitDir+"app@.service", service)
				// systemd 257 leaves a runtime directory to its previous user.
				s.Run("sh", "-c", "rm -rf /run/socketgi-app /run/private/socketgi-app "+unitDir+"app.socket.d "+unitDir+"app@.service.d; systemctl daemon-reload; systemctl restart app.socket")
			}
			if now, _ := s.Try("cat", conf, "/etc/nginx/sites-enabled/default"); now != location+server || t.Failed() {
				s.Run("rm", "-rf", "/etc/nginx/snippets/app.conf")
				s.Write(conf, location)
				s.Write("/etc/nginx/sites-enabled/default", server)
				s.restartNginx()
			}
			if t.Failed() {
				_, _ = s.Try("sh", "-c", "systemctl stop thief; chmod 755 /srv /srv/article.py; systemctl enable app.socket; systemctl reset-failed app.socket; systemctl restart app.socket")
			}
		})
	}
	t.Logf("break | cause named | mend | page answered afterwards\n%s", printed(table))
	t.Run("notes", func(t *testing.T) {
		nginx(byHand)() // with Debian's scgi_params, where HTTP_HOST is $host
		s.mendNotes(t, "http-host")
		// nginx refuses sizes of buffers that don't fit each other.
		nginx(strings.NewReplacer("scgi_buffer_size 32k", "scgi_buffer_size 4k", "scgi_buffers 16 32k", "scgi_buffers 2 4k", "scgi_busy_buffers_size 64k", "scgi_busy_buffers_size 4k").Replace(byHand))()
		s.mendNotes(t, "buffer-size")
		nginx(strings.NewReplacer("    scgi_buffer_size 32k;\n", "", "    scgi_buffers 16 32k;\n", "", "    scgi_busy_buffers_size 64k;\n", "").Replace(byHand))()
		s.mendNotes(t, "buffer-size")
		s.Write(unitDir+"app@.service", strings.Replace(service, "--allow-uid", "--max-body 10M --allow-uid", 1))
		s.Run("systemctl", "daemon-reload")
		nginx(strings.Replace(byHand, "    scgi_pass", "    client_max_body_size 1m;\n    scgi_pass", 1))()
		s.mendNotes(t, "client-max-body-size")
	})
	_, status := s.examine("app")
	assert.Zero(t, status)
	err := s.Command("/usr/local/bin/socketgi", "doctor", "nobody").Run()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 2, exit.ExitCode())
}
