package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/socketgi/socketgi/units"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// application writes units as socketgi would, and reads them back.
func application(t *testing.T, o units.Options, flags ...string) *host.Application {
	t.Helper()
	o.Name, o.App = "app", "/srv/app.py"
	o.Exec = append(append([]string{"/usr/local/lib/socketgi/socketgi-adapter"}, flags...), "/srv/app.py")
	pair, err := appunits.Options{Options: o}.Render()
	require.NoError(t, err)
	root := t.TempDir()
	dir := filepath.Join(root, "etc/systemd/system")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, pair.SocketName), []byte(pair.Socket), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, pair.ServiceName), []byte(pair.Service), 0o644))
	app, err := host.Host{Root: root}.Load("app")
	require.NoError(t, err)
	return app
}

const scgiParams = `
# configuration file /none/scgi_params:
scgi_param REQUEST_METHOD $request_method;
scgi_param REQUEST_URI $request_uri;
scgi_param DOCUMENT_URI $document_uri;
scgi_param SCGI 1;
scgi_param HTTP_HOST $host$socketgi_port;
`

// webWith returns an nginx with directives in its server block.
func webWith(t *testing.T, version version, server string) *webServer {
	t.Helper()
	conf, err := nginxconf.Parse("# configuration file /none/nginx.conf:\nhttp {\nupstream pool { server unix:/run/socketgi/app.sock; }\nserver {\n" + server + "\n}\n}\n" + scgiParams[1:])
	require.NoError(t, err)
	return &webServer{conf: conf, version: version}
}

// location returns a correct location with more directives.
func location(arguments, more string) string {
	return "location " + arguments + " {\ninclude scgi_params;\nscgi_buffer_size 32k;\nscgi_read_timeout 105s;\n" + more + "\nscgi_pass unix:/run/socketgi/app.sock;\n}"
}

func TestJudgeNginx(t *testing.T) {
	old, recent := version{1, 22, 1}, version{1, 29, 6}
	// The files of these configurations don't exist; includes are only looked for in existing files.
	for _, c := range []struct {
		name    string
		version version
		flags   string
		server  string
		level   Level
		what    string // "" without a finding
		mend    string
	}{
		{"all of the server", old, "", location("/", ""), OK, `/example has SCRIPT_NAME="" PATH_INFO="/example"`, ""},
		{"cut by --mount", old, "--mount /app", location("/app", ""), OK, `/app/example has SCRIPT_NAME="/app" PATH_INFO="/example"`, ""},
		{"SCRIPT_NAME alone", old, "", location("/app/", "scgi_param SCRIPT_NAME /app;"), OK, `/app/example has SCRIPT_NAME="/app" PATH_INFO="/example"`, ""},
		{"captures", old, "", location(`~ "(?s)^(?<s>/my\.app)(?<p>/.*)?\z"`, "scgi_param SCRIPT_NAME $s;\nscgi_param PATH_INFO $p;"), OK,
			`/my.app/example has SCRIPT_NAME="/my.app" PATH_INFO="/example"`, ""},
		{"numbered captures", old, "", location(`~ ^(/a)(/.*)$`, "set $p $2;\nscgi_param SCRIPT_NAME $1;\nscgi_param PATH_INFO ${p};"), OK, `/a/example has SCRIPT_NAME="/a" PATH_INFO="/example"`, ""},
		{"captures of an if", old, "", location("/a", `set $p ""; if ($uri ~ "^/a(/.*)$") { set $p $1; } scgi_param SCRIPT_NAME /a; scgi_param PATH_INFO $p;`), OK,
			`/a/example has SCRIPT_NAME="/a" PATH_INFO="/example"`, ""},
		{"upstream", old, "", strings.Replace(location("/", ""), "unix:/run/socketgi/app.sock", "pool", 1), OK, "passes requests to it", ""},
		{"another name of /run", old, "", strings.Replace(location("/", ""), "/run/", "/var/run/", 1), OK, "passes requests to it", ""},
		{"one path", old, "", location("= /x", ""), OK, `/x has SCRIPT_NAME="" PATH_INFO="/x"`, ""},
		{"inherited", old, "", "include scgi_params;\nlocation / {\nscgi_read_timeout 105s;\nscgi_pass unix:/run/socketgi/app.sock;\n}", OK, "passes requests to it", ""},
		{"a prefix and its twin", old, "--mount /app", location("= /app", "scgi_param SCRIPT_NAME /app;") + location("^~ /app/", "scgi_param SCRIPT_NAME /app;"), OK,
			`/app has SCRIPT_NAME="/app" PATH_INFO=""`, ""},
		{"subrequests", old, "", location("= /auth", `internal; scgi_pass_request_body off; scgi_param CONTENT_LENGTH ""; scgi_param HTTP_CONTENT_LENGTH "";`), OK, "passes requests to it", ""},
		{"unbuffered, where that works", recent, "", location("/", "scgi_request_buffering off;"), OK, "passes requests to it", ""},
		{"patient enough without a queue", old, "--timeout 20s", location("/", ""), OK, "passes requests to it", ""},

		{"nothing", old, "", "", Error, "nginx passes no request to /run/socketgi/app.sock", "socketgi nginx app > "},
		{"nothing, below a prefix", old, "--mount /app --timeout 5m", "", Error, "nginx passes no request", "socketgi nginx app --mount /app --timeout 5min > "},
		{"depends on a variable", old, "", "location / { scgi_pass $x; }", Unchecked, "/none/nginx.conf:4 has scgi_pass $x", ""},
		{"another protocol", old, "", "location / { proxy_pass http://unix:/run/socketgi/app.sock:/x; }", Error, "proxy_pass passes requests to the application's socket", "scgi_pass"},
		{"another protocol by an upstream", old, "", "location / { uwsgi_pass uwsgi://pool; }", Error, "uwsgi_pass passes requests to the application's socket", "scgi_pass"},
		{"a parameter hides those above", old, "", "include scgi_params;\nlocation / {\nscgi_param X y;\nscgi_pass pool;\n}", Error, "scgi_params is not included", "s|\\bscgi_pass\\s|include scgi_params; &|"},
		{"unbuffered", old, "", location("/", "scgi_request_buffering off;"), Error, "scgi_request_buffering off, and nginx is 1.22.1", "8s|\\bscgi_request_buffering\\s[^;]*;|scgi_request_buffering on;|"},
		{"unbuffered by the server", old, "", "scgi_request_buffering off;" + location("/", ""), Error, "scgi_request_buffering off", "s|\\bscgi_pass\\s|scgi_request_buffering on; &|"},
		{"impatient", old, "--concurrency 10 --timeout 2m", location("/", ""), Warning, "nginx waits 1min 45s (scgi_read_timeout), and a request may wait 30s and take 2min", "scgi_read_timeout 165s"},
		{"impatient with a queue", old, "--concurrency 10 --timeout 80s", location("/", ""), Warning, "nginx waits 1min 45s (scgi_read_timeout), and a request may wait 30s and take 1min 20s", "scgi_read_timeout 125s"},
		{"impatient by default", old, "", "location / { include scgi_params; scgi_pass pool; }", Warning, "nginx waits 1min", "scgi_read_timeout 75s"},
		{"no prefix is told", old, "", location("/app", ""), Warning, `but SCRIPT_NAME is empty: /app/example has SCRIPT_NAME="" PATH_INFO="/app/example"`, "scgi_param SCRIPT_NAME /app;"},
		{"no prefix is told, and the parameters are the server's", old, "", "include scgi_params;\nlocation /app {\nscgi_read_timeout 105s;\nscgi_pass pool;\n}", Warning, "but SCRIPT_NAME is empty",
			"include scgi_params; scgi_param SCRIPT_NAME /app;"},
		{"another prefix", old, "--mount /other", location("^~ /app/", ""), Warning, "--mount is /other", "scgi_param SCRIPT_NAME /app;"},
		{"wrong SCRIPT_NAME", old, "", location("/app", "scgi_param SCRIPT_NAME /ap;\nscgi_param PATH_INFO $document_uri;"), Error, "which together are another path", "socketgi nginx app --mount /app"},
		{"the whole path twice", old, "", location("/", "scgi_param SCRIPT_NAME $document_uri;\nscgi_param PATH_INFO $document_uri;"), Error, "which together are another path", "socketgi nginx app"},
		{"unknown variable", old, "", location("/", "scgi_param SCRIPT_NAME $lua;"), Note, "depend on $lua", ""},
		{"httpoxy", old, "", location("/", "scgi_param HTTP_PROXY $http_proxy;"), Error, "scgi_param HTTP_PROXY $http_proxy passes a client's Proxy header on", "[^;]*;||"},
		{"httpoxy by another name", old, "", location("/", "scgi_param ALL_PROXY $http_proxy;"), Error, "scgi_param ALL_PROXY $http_proxy passes a client's Proxy header on", "[^;]*;||"},
		{"underscores", old, "", "underscores_in_headers on;" + location("/", ""), Warning, "underscores_in_headers on", "remove"},
		{"no headers", old, "", location("/", "scgi_pass_request_headers off;"), Warning, "scgi_pass_request_headers off", "scgi_pass_request_headers on"},
		{"no body", old, "", location("/", "scgi_pass_request_body off;"), Warning, "scgi_pass_request_body off", "scgi_pass_request_body on"},
		{"auth_request", old, "", location("/", "") + "location /x { auth_request /auth; return 404; }", Warning, "auth_request /auth sends subrequests to the application at", "socketgi nginx app --auth-request --mount /_app"},
		{"auth_request of a recent nginx", recent, "", location("= /auth", "") + "location /x { auth_request /auth; return 404; }", OK, "passes requests to it", ""},
		{"auth_request elsewhere", old, "", location("/", "") + "location = /auth { return 204; } " + "location /x { auth_request /auth; return 404; }", OK, "passes requests to it", ""},
		{"a second length", old, "", location("/", "scgi_param CONTENT_LENGTH $content_length;"), Warning, "scgi_param CONTENT_LENGTH $content_length, but nginx sends", "CONTENT_LENGTH"},
		{"wrong SCRIPT_NAME of a twin", old, "--mount /app", location("= /app", "scgi_param SCRIPT_NAME /ap;"), Error, "which together are another path", "scgi_param SCRIPT_NAME /app;"},
		{"small heads", old, "", "location / { include scgi_params; scgi_read_timeout 105s; scgi_buffer_size 4k; scgi_pass pool; }", Note, "limited to 4096 bytes", "scgi_buffer_size 32k"},
		{"no port", old, "", location("/", "scgi_param HTTP_HOST $host;"), Note, "HTTP_HOST is $host", "scgi_param HTTP_HOST $host$socketgi_port;"},
		{"another host", old, "", location("/", "scgi_param HTTP_HOST $http_host;"), Note, "HTTP_HOST is $http_host", "scgi_param HTTP_HOST $host$socketgi_port;"},
		{"smaller bodies", old, "--max-body 10M", location("/", ""), Note, "nginx refuses bodies over 1048576 bytes", "client_max_body_size 10485760"},
		{"no limit of time", old, "--timeout 0", location("/", ""), Note, "--timeout 0 sets no limit", ""},
		{"no example", old, "", location(`~ "\.[a-z]+$(?<!x)"`, ""), Note, "no example", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f findings
			judgeNginx(application(t, units.Options{}, strings.Fields(c.flags)...), webWith(t, c.version, c.server), &f)
			found := false
			for _, one := range f {
				if one.Level == c.level && strings.Contains(one.What, c.what) {
					found = true
					assert.Contains(t, one.Mend+one.Do, c.mend)
				}
				if strings.Contains(one.Mend, "sed ") {
					assert.Contains(t, one.Mend, andReload, "a change counts when it is read")
				}
				if c.level == OK {
					assert.Contains(t, []Level{OK, Note}, one.Level, one.What)
				}
			}
			assert.True(t, found, "%+v", f)
		})
	}
}

// TestOwnSnippet checks that the doctor finds nothing wrong with the output of socketgi nginx.
func TestOwnSnippet(t *testing.T) {
	for _, mount := range []string{"", "/app", "/my.app/x"} {
		for _, kind := range []units.Subrequests{units.NoSubrequests, units.AuthRequest, units.SSI} {
			o := units.NginxOptions{Name: "app", Mount: mount, Timeout: 90e9, Subrequests: kind}
			if mount != "" {
				o.Static = []units.NginxStatic{{URL: mount + "/static", Dir: "/srv/s"}}
			}
			text, err := units.Nginx(o)
			require.NoError(t, err)
			var f findings
			judgeNginx(application(t, units.Options{}, "--concurrency", "10"), webWith(t, version{1, 22, 1}, text), &f)
			script, want := mount, 2 // one location below the prefix, and one for the prefix itself
			if mount == "" && kind != units.NoSubrequests {
				script = "/_app"
			} else if mount == "" {
				want = 1
			}
			require.Len(t, f, want, "%+v", f)
			for i, rest := range []string{"/example", ""}[:want] {
				assert.Equal(t, OK, f[i].Level)
				assert.Contains(t, f[i].What, script+rest+` has SCRIPT_NAME="`+script+`" PATH_INFO="`+rest+`"`)
			}
		}
	}
}

func TestAddress(t *testing.T) {
	for _, c := range []struct {
		peer, listen string
		same         bool
	}{
		{"unix:/run/a.sock", "/run/a.sock", true},
		{"http://unix:/run//a.sock:/uri", "/run/a.sock", true},
		{"unix:/var/run/a.sock", "/run/a.sock", true},
		{"unix:/run/b.sock", "/run/a.sock", false},
		{"127.0.0.1:9000", "127.0.0.1:9000", true},
		{"localhost:9000", "127.0.0.1:9000", true},
		{"localhost:9000", "[::1]:9000", true},
		{"127.0.0.1:9000", "[::1]:9000", false},
		{"http://127.0.0.1:9000/x", "127.0.0.1:9000", true},
	} {
		assert.Equal(t, c.same, same(address(c.peer), address(c.listen)), "%s %s", c.peer, c.listen)
	}
}

func TestVersion(t *testing.T) {
	assert.Equal(t, version{1, 22, 1}, parseVersion("nginx version: nginx/1.22.1\nbuilt with"))
	assert.True(t, version{1, 9, 15}.before(version{1, 22, 0}))
	assert.False(t, version{1, 29, 6}.before(version{1, 29, 6}))
}
