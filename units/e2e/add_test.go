package e2e

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// operator runs the operator's command on the machine.
func (s *site) operator(arg ...string) (string, error) {
	return s.Try("/usr/local/bin/socketgi", arg...)
}

// listing lists the files that adding may change, with kind, owner, mode and contents.
func (s *site) listing() string {
	s.t.Helper()
	return s.Run("sh", "-c", `cd / && find etc run/systemd/system run/socketgi* run/.socketgi* run/private/socketgi* run/user var/cache var/lib \
		-not -path 'var/lib/systemd*' -not -path 'var/lib/dpkg/*' -not -path 'var/lib/apt/*' -not -path 'var/cache/man/*' -not -path 'var/cache/swcatalog/*' -not -path 'var/lib/postgresql/*' -not -path '*/fonts/*' -printf '%p %y %U %G %m %l\n' -type f -exec sha256sum {} + 2>/dev/null; true`)
}

// changes returns the lines that only one listing has.
func changes(before, after string) (lines []string) {
	b, a := strings.Split(before, "\n"), strings.Split(after, "\n")
	for _, line := range b {
		if !slices.Contains(a, line) {
			lines = append(lines, "- "+line)
		}
	}
	for _, line := range a {
		if !slices.Contains(b, line) {
			lines = append(lines, "+ "+line)
		}
	}
	return lines
}

// app installs an application of testdata.
func (s *site) app(file string) string {
	s.t.Helper()
	s.Install(filepath.Join("testdata", file), "/srv/"+file, 0o755)
	return "/srv/" + file
}

// location makes nginx pass requests to an application, by the output of socketgi nginx.
func (s *site) location(name string) {
	s.t.Helper()
	s.Write("/etc/nginx/apps/"+name+".conf", s.Run("/usr/local/bin/socketgi", "nginx", name))
	s.Run("systemctl", "restart", "nginx")
}

// TestAdd adds applications of every kind, requests a page of each, and removes them.
func TestAdd(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		page string
	}{
		"script":  {[]string{"/srv/article.py", "--python", "/usr/bin/python3"}, "Hello world!\n"},
		"flask":   {[]string{"/srv/flaskapp.py", "--python", "/usr/bin/python3", "--user", "www-data"}, "Flask here"},
		"strict":  {[]string{"/srv/flaskapp.py", "--python", "/usr/bin/python3", "--profile", "strict"}, "Flask here"},
		"project": {[]string{"/srv/dj/mysite/wsgi.py", "--python", "/usr/bin/python3", "--user", "www-data"}, "Django here"},
		"cgi":     {[]string{"--cgi", "--", "/srv/hello.cgi"}, "hello by CGI\n"},
		"warm":    {[]string{"--cgi", "--accept", "no", "--user", "www-data", "--", "/srv/hello.cgi"}, "hello by CGI\n"},
		"stays":   {[]string{"/srv/flaskapp.py", "--python", "/usr/bin/python3", "--accept", "no", "--profile", "strict"}, "Flask here"},
		"exec":    {[]string{"--exec", "--accept", "no", "--state", "--", "/usr/local/bin/guestbook"}, "Nobody has signed yet."},
		"address": {[]string{"/srv/article.py", "--python", "/usr/bin/python3", "--listen", "127.0.0.1:9123"}, "Hello world!\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.app("article.py")
			s.app("flaskapp.py")
			s.Write("/srv/hello.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nhello by CGI\\n'\n")
			s.Run("chmod", "755", "/srv/hello.cgi")
			s.Install(filepath.Join(bin, "example-guestbook"), "/usr/local/bin/guestbook", 0o755)
			if name == "project" { // a project as created by Django
				s.Run("mkdir", "/srv/dj")
				s.Run("/usr/bin/python3", "-m", "django", "startproject", "mysite", "/srv/dj")
				s.Write("/srv/dj/mysite/urls.py", "from django.http import HttpResponse\nfrom django.urls import path\n"+
					"urlpatterns = [path('', lambda request: HttpResponse('Django here'))]\n")
			}
			s.Run("ip", "link", "set", "lo", "up")
			s.Run("mkdir", "-p", "/etc/nginx/apps", "/var/lib/private")
			before := s.listing()
			args := append([]string{"add", name, "--mount", "/my/" + name, "--now"}, c.args...)
			out, err := s.operator(args...)
			require.NoError(t, err, "%s", out)
			assert.Contains(t, out, name+" answers: 200 OK")
			if slices.Contains(c.args, "--python") {
				assert.Contains(t, out, "Python: /usr/bin/python3\n")
				shown, _ := s.socketgi("status", name)
				assert.Contains(t, shown, "Python: /usr/bin/python3\n")
			}
			there := s.listing()
			s.location(name)
			assert.Contains(t, s.get("/my/"+name+"/").body, c.page)
			s.Run("rm", "/etc/nginx/apps/"+name+".conf")
			assert.Equal(t, "enabled\n", s.Run("systemctl", "is-enabled", name+".socket"))

			// The second run changes only cached code.
			out, err = s.operator(args...)
			require.NoError(t, err, "%s", out)
			assert.Contains(t, out, "the units exist and are unchanged")
			for _, change := range changes(there, s.listing()) {
				assert.Regexp(t, `var/cache/socketgi/|/slots$`, change)
			}

			out, err = s.operator("remove", name)
			assert.Error(t, err)
			assert.Contains(t, out, "use --now to stop it, too")
			out, err = s.operator("remove", name, "--now")
			require.NoError(t, err, "%s", out)
			if name == "exec" {
				assert.Contains(t, out, "/var/lib/exec: its data is kept")
				s.Run("rm", "-rf", "/var/lib/exec", "/var/lib/private/exec")
			}
			assert.Empty(t, changes(before, s.listing()), "as it was before")
			assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
			out, _ = s.Try("systemctl", "list-units", "--all", "--plain", "--no-legend", name+"@*", name+".*")
			assert.Empty(t, out)
		})
	}
}

// TestAddInterface adds an ASGI application, and checks that flags without effect for the other interface are
// refused.
func TestAddInterface(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/page.py", `async def app(scope, receive, send):
    assert scope['type'] == 'http'
    await send({'type': 'http.response.start', 'status': 200, 'headers': []})
    await send({'type': 'http.response.body', 'body': b'by ASGI'})
`)
	s.app("article.py")
	s.Run("mkdir", "-p", "/etc/nginx/apps")
	before := s.listing()
	for flags, want := range map[string]string{
		"--concurrency 5":                  "--concurrency has no effect with --accept no: a worker of a WSGI application answers one request at a time; use --workers",
		"--max-message 1M":                 "--max-message needs an ASGI application",
		"--interface asgi":                 "is a WSGI application: omit --interface asgi",
		"--max-requests 1 --concurrency 2": "a process answers one request; use --workers",
	} {
		out, err := s.operator(append([]string{"add", "page", "/srv/article.py", "--user", "www-data", "--accept", "no", "--now"}, strings.Fields(flags)...)...)
		assert.Error(t, err)
		assert.Contains(t, out, want)
		assert.Empty(t, changes(before, s.listing()), "%s: nothing is left", flags)
	}
	out, err := s.operator("add", "page", "/srv/page.py", "--user", "www-data", "--accept", "no", "--concurrency", "5", "--max-message", "1M", "--now")
	require.NoError(t, err, "%s", out)
	assert.Contains(t, out, "interface: ASGI\n")
	assert.Contains(t, out, "page answers: 200 OK")
	for range 2 {
		shown, _ := s.socketgi("status", "page")
		assert.Contains(t, shown, "Interface: ASGI\n")
		assert.Contains(t, shown, "5 requests per worker, ")
		out, err := s.operator("refresh", "page")
		require.NoError(t, err, "%s", out)
	}
	list, _ := s.socketgi("list")
	assert.Regexp(t, `page +running +enabled +no +ASGI `, list)
	out, err = s.operator("get", "page", "/")
	assert.NoError(t, err)
	assert.Equal(t, "by ASGI", out)
	found, _ := s.examine("page")
	for _, f := range found {
		assert.False(t, f.Check == "loads" && f.Level != "ok", "%+v", f)
	}
	s.Write("/etc/systemd/system/page.service.d/wsgi.conf", "[Service]\nExecStart=\nExecStart=/usr/local/lib/socketgi/socketgi-adapter --concurrency 5 /srv/article.py\n")
	s.Run("systemctl", "daemon-reload")
	found, _ = s.examine("page")
	assert.True(t, slices.ContainsFunc(found, func(f finding) bool { return f.ID == "no-effect" }), "%+v", found)
	s.Run("rm", "-r", "/etc/systemd/system/page.service.d")
	out, err = s.operator("add", "page", "/srv/article.py", "--user", "www-data", "--accept", "no", "--now", "--force")
	require.NoError(t, err, "%s", out)
	assert.Contains(t, out, "interface: WSGI\n")
	shown, _ := s.socketgi("status", "page")
	assert.Contains(t, shown, "Interface: WSGI\n")
	out, err = s.operator("remove", "page", "--now")
	require.NoError(t, err, "%s", out)
	assert.Empty(t, changes(before, s.listing()), "as it was before")
}

// TestAddFails has each step of adding fail, and checks that nothing is left.
func TestAddFails(t *testing.T) {
	s := newSite(t)
	s.app("unloadable.py")
	script := s.app("article.py")
	s.Write("/srv/raises.py", "def application(e, s):\n    raise ValueError('only when asked')\n")
	s.Write("/srv/exits.py", "import os\nos._exit(3)\n")
	s.Write("/srv/secret.py", "def application(e, s): pass\n")
	s.Run("chmod", "600", "/srv/secret.py")
	s.Write("/srv/slow.py", "open('/srv/open/started', 'w').close()\nimport time\ntime.sleep(1000)\n")
	s.Write("/srv/broken.cgi", "#!/no/such/interpreter\n")
	s.Run("chmod", "755", "/srv/broken.cgi")
	s.Write("/usr/local/fake/systemd-analyze", "#!/bin/sh\necho $3:7: Unknown key\nexit 1\n")
	s.Run("chmod", "755", "/usr/local/fake/systemd-analyze")
	s.Run("ip", "link", "set", "lo", "up")
	s.Run("systemd-run", "--quiet", "--description=listener", "python3", "-c",
		"import socket, time\ns = socket.create_server(('127.0.0.1', 9124))\nopen('/run/listening', 'w')\ntime.sleep(1000)")
	s.Wait("the listener", func() error { _, err := s.Try("test", "-e", "/run/listening"); return err })
	s.Run("systemctl", "start", "dbus")
	s.Write("/etc/systemd/system/mine.socket", "[Socket]\nListenStream=/run/mine\n")
	s.Run("ln", "-s", "/dev/null", "/etc/systemd/system/masked.socket")
	python := []string{"--python", "/usr/bin/python3"}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"import":     {append(python, "app", "/srv/unloadable.py"), "No module named 'no_such_module_anywhere'"},
		"traceback":  {append(python, "app", "/srv/unloadable.py"), `File "/srv/unloadable.py", line 1`},
		"exits":      {append(python, "app", "/srv/exits.py"), "the process exited with status 3 while it loaded the application"},
		"callable":   {append(python, "app", script+":nothing"), "has no 'nothing' (it has simple_app)"},
		"unreadable": {append(python, "app", "/srv/secret.py", "--user", "www-data"), "Permission denied: '/srv/secret.py'"},
		"user":       {append(python, "app", script, "--user", "nobody-there"), "no user nobody-there on this machine: adduser"},
		"group":      {append(python, "app", script, "--group", "nobody-there"), "no group nobody-there on this machine"},
		"request":    {append(python, "app", "/srv/raises.py", "--now"), "ValueError: only when asked"},
		"strict":     {append(python, "app", "/srv/raises.py", "--now", "--profile", "strict", "--user", "www-data"), "app answers GET / with 500"},
		"timeout":    {append(python, "app", "/srv/slow.py", "--timeout", "1s", "--user", "www-data"), "the application was not loaded within 1s"},
		"taken":      {append(python, "app", script, "--now", "--listen", "127.0.0.1:9124"), "app.socket can't listen"},
		"long":       {append(python, "app", script, "--listen", "/run/"+strings.Repeat("x", 103)), "--listen: the socket's path"},
		"system":     {append(python, "dbus", script), "dbus.socket is a unit of this system: choose another name"},
		"there":      {append(python, "mine", script), "mine.socket exists and was not written by socketgi: choose another name than mine"},
		"masked":     {append(python, "masked", script, "--force"), "masked.socket is masked: systemctl unmask masked.socket"},
		"no python":  {[]string{"app", script, "--python", "/bin/false"}, "the process exited with status 1 while it loaded the application"},
		"cgi":        {[]string{"app", "--cgi", "--", "/srv/broken.cgi"}, "the interpreter /no/such/interpreter in its first line does not exist"},
		"sandbox":    {append(python, "app", script, "--env", "LD_PRELOAD=/nowhere", "--timeout", "-1s"), "a timeout must not be negative"},
	} {
		t.Run(name, func(t *testing.T) {
			before := s.listing()
			out, err := s.operator(append([]string{"add"}, c.args...)...)
			assert.Error(t, err)
			assert.Contains(t, out, c.want)
			assert.Empty(t, changes(before, s.listing()), "nothing is left: %s", out)
		})
	}
	t.Run("verify", func(t *testing.T) {
		before := s.listing()
		out, err := s.Try("env", append([]string{"PATH=/usr/local/fake:/usr/bin:/bin", "/usr/local/bin/socketgi", "add", "app", script}, python...)...)
		assert.Error(t, err)
		assert.Contains(t, out, "systemd-analyze verify finds mistakes in the units:\n")
		assert.Empty(t, changes(before, s.listing()))
	})
	t.Run("enable", func(t *testing.T) {
		s.Write("/etc/systemd/system/sockets.target.wants", "")
		before := s.listing()
		out, err := s.operator(append([]string{"add", "app", script, "--now"}, python...)...)
		assert.Error(t, err, "%s", out)
		assert.Empty(t, changes(before, s.listing()))
		s.Run("rm", "/etc/systemd/system/sockets.target.wants")
	})
	t.Run("cache", func(t *testing.T) {
		s.Run("install", "-d", "-m", "777", "/var/cache/socketgi")
		before := s.listing()
		out, err := s.operator(append([]string{"add", "app", script}, python...)...)
		assert.Error(t, err)
		assert.Contains(t, out, "/var/cache/socketgi must be a directory that only root can write")
		assert.Empty(t, changes(before, s.listing()))
		s.Run("rmdir", "/var/cache/socketgi")
	})
	t.Run("interrupted", func(t *testing.T) {
		s.Run("rm", "-f", "/srv/open/started")
		before := s.listing()
		cmd := s.Command("/usr/local/bin/socketgi", append([]string{"add", "app", "/srv/slow.py", "--user", "www-data"}, python...)...)
		out, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		s.Wait("the application to be loaded", func() error { _, err := os.Stat(s.Path("/srv/open/started")); return err })
		s.Run("pkill", "-INT", "-x", "socketgi")
		text, _ := io.ReadAll(out)
		assert.Error(t, cmd.Wait())
		assert.Contains(t, string(text), "interrupted: all changes were undone")
		assert.Empty(t, changes(before, s.listing()))
	})
	out, _ := s.Try("systemctl", "list-units", "--all", "--plain", "--no-legend", "app*", "mine@*")
	assert.Empty(t, out)
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
	s.noProcess("slow.py|socketgi")
}

// TestAddForce replaces a running application, and checks that a failure restores it.
func TestAddForce(t *testing.T) {
	s := newSite(t)
	script := s.app("article.py")
	s.app("unloadable.py")
	s.Write("/srv/raises.py", "def application(e, s):\n    raise ValueError('only when asked')\n")
	s.Write("/srv/hello.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nhello by CGI\\n'\n")
	s.Run("chmod", "755", "/srv/hello.cgi")
	add := func(arg ...string) (string, error) { return s.operator(append([]string{"add", "app"}, arg...)...) }
	out, err := add(script, "--python", "/usr/bin/python3", "--now")
	require.NoError(t, err, "%s", out)
	s.location("app")
	there := s.listing()
	for _, arg := range [][]string{
		{"/srv/unloadable.py", "--python", "/usr/bin/python3", "--now", "--force"},
		{"/srv/raises.py", "--python", "/usr/bin/python3", "--now", "--force"},
		{"/srv/raises.py", "--python", "/usr/bin/python3", "--now", "--force", "--listen", "/run/elsewhere.sock"},
		{script, "--python", "/usr/bin/python3", "--mount", "/x"},
	} {
		out, err := add(arg...)
		assert.Error(t, err, "%s", out)
		for _, change := range changes(there, s.listing()) {
			assert.Regexp(t, `/slots$`, change, "%s", out)
		}
		assert.Equal(t, "Hello world!\n", s.get("/").body)
	}

	// From one kind to another and back, while it runs.
	out, err = add("--cgi", "--accept", "no", "--now", "--force", "--", "/srv/hello.cgi")
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "hello by CGI\n", s.get("/").body)
	assert.NoFileExists(t, s.Path("/etc/systemd/system/app@.service"))
	assert.Equal(t, "active\n", s.Run("systemctl", "is-active", "app.service"))
	out, err = add(script, "--python", "/usr/bin/python3", "--now", "--force")
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "Hello world!\n", s.get("/").body)
	assert.NoFileExists(t, s.Path("/etc/systemd/system/app.service"))
	out, _ = s.Try("systemctl", "is-active", "app.service")
	assert.Equal(t, "inactive\n", out)

	// The operator's drop-ins are in effect during the check, and are kept.
	s.Write("/etc/systemd/system/app@.service.d/override.conf", "[Service]\nEnvironment=WHO=operator\n")
	s.Write("/srv/changed.py", "import os\nwho = os.environ['WHO']\ndef application(e, s):\n    s('200 OK', [])\n    return [who.encode()]\n")
	out, err = add("/srv/changed.py", "--python", "/usr/bin/python3", "--now", "--force")
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "operator", s.get("/").body)
	out, err = s.operator("remove", "app", "--now")
	require.NoError(t, err, "%s", out)
	assert.Contains(t, out, "/etc/systemd/system/app@.service.d: your changes are kept")
	assert.FileExists(t, s.Path("/etc/systemd/system/app@.service.d/override.conf"))
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
}

// TestCode checks that cached code is used, isn't writable by the application, and isn't used for changed
// files.
func TestCode(t *testing.T) {
	for _, profile := range []string{"none", "fast", "strict"} {
		for _, user := range []string{"www-data", ""} {
			t.Run(profile+user, func(t *testing.T) {
				s := newSite(t)
				s.Install("testdata/sandbox.py", "/srv/app/app.py", 0o644)
				s.Write("/srv/app/part.py", "word = 'first'\n")
				s.Write("/srv/app/app.py", string(must(os.ReadFile("testdata/sandbox.py")))+`

import part
def kept(_):
    return part.word + ' ' + type(part.__loader__).__name__
`)
				out, err := s.operator("add", "app", "/srv/app/app.py", "--python", "/usr/bin/python3", "--mount", "/app", "--user", user, "--profile", profile)
				require.NoError(t, err, "%s", out)
				s.Run("systemctl", "start", "app.socket")
				s.location("app")
				assert.Equal(t, "first Loader", s.try("/app", "kept", ""), "from cached code")
				files := strings.Fields(s.Run("sh", "-c", "ls -d /var/cache/socketgi/app /var/cache/socketgi/app/*"))
				require.Len(t, files, 4, "the folder, code by each of two keys, and the interface: %s", files)
				for _, file := range files {
					assert.Regexp(t, "^0 (644|75[05])\n$", s.Run("stat", "-c", "%u %a", file))
					assert.Contains(t, s.try("/app", "write", file+"/x"), "Error: ")
					assert.Contains(t, s.try("/app", "write", file), "Error: ")
				}
				assert.Contains(t, s.try("/app", "write", "/var/cache/socketgi/x"), "Error: ")

				s.Write("/srv/app/part.py", "word = 'second'\n")
				assert.Equal(t, "second SourceFileLoader", s.try("/app", "kept", ""), "what has changed is not believed")
				s.Write("/srv/app/new.py", "")
				assert.Equal(t, "second SourceFileLoader", s.try("/app", "kept", ""))
				out, err = s.operator("add", "app", "/srv/app/app.py", "--python", "/usr/bin/python3", "--mount", "/app", "--user", user, "--profile", profile)
				require.NoError(t, err, "%s", out)
				assert.Equal(t, "second Loader", s.try("/app", "kept", ""), "until it is added again")
			})
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestAddLoads counts how often an application is loaded when it is added: once for the check, which fills
// the cache, and once for the requested page.
func TestAddLoads(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/slow.py", "open('/srv/open/loads', 'a').write('x')\ndef application(e, start):\n    start('200 OK', [])\n    return [b'x']\n")
	s.Run("/usr/local/bin/socketgi", "add", "slow", "/srv/slow.py", "--user", "www-data", "--python", "/usr/bin/python3", "--now")
	assert.Equal(t, "xx", s.Run("cat", "/srv/open/loads"))
	s.Run("/usr/local/bin/socketgi", "refresh", "slow")
	assert.Equal(t, "xxx", s.Run("cat", "/srv/open/loads"))
}
