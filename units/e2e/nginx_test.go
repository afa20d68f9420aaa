package e2e

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// told contains what testdata/where.py received of a request.
type told struct {
	Script string `json:"SCRIPT_NAME"`
	Info   string `json:"PATH_INFO"`
	Query  string `json:"QUERY_STRING"`
	Length string `json:"CONTENT_LENGTH"`
	Body   int    `json:"body"`
}

func where(t *testing.T, got reply) (w told) {
	t.Helper()
	require.Equal(t, 200, got.StatusCode, "%s", got.body)
	require.NoError(t, json.Unmarshal([]byte(got.body), &w), "%s", got.body)
	return w
}

// TestLocations checks that the output of socketgi nginx passes on the right requests, whatever else the
// configuration contains, and that handwritten locations work.
func TestLocations(t *testing.T) {
	s := newSite(t)
	s.serve("app", "where.py", "/app", "--accept", "no")
	s.serve("sub", "where.py", "/app/sub", "--accept", "no")
	s.Write("/srv/open/style.css", "of a file")
	s.Write("/srv/open/page.html", `<!--#include virtual="/_parts/of?a=file" -->`)
	s.Write("/etc/nginx/apps/00.conf", "location ~ \\.(css|php)$ { return 418; }\nlocation /app/own/ { return 417; }\n")
	print := func(args ...string) string {
		return s.Run("/usr/local/bin/socketgi", append([]string{"nginx", "app"}, args...)...)
	}
	s.Write("/etc/nginx/apps/app.conf", print("--mount", "/app", "--static", "/app/static=/srv/open"))
	s.Write("/etc/nginx/apps/more.conf", print("--auth-request", "--mount", "/_app")+print("--ssi", "--mount", "/_parts")+`
location /pages/ { ssi on; alias /srv/open/; }
location /ssi/ { ssi on; include scgi_params; scgi_param SCRIPT_NAME /ssi; scgi_pass unix:/run/socketgi/app.sock; }
location /guarded/ { auth_request /_app; include scgi_params; scgi_param SCRIPT_NAME /guarded; scgi_pass unix:/run/socketgi/app.sock; }
location = /bare { internal; include scgi_params; scgi_pass unix:/run/socketgi/app.sock; }
location /bare/ { auth_request /bare; include scgi_params; scgi_param SCRIPT_NAME /bare; scgi_pass unix:/run/socketgi/app.sock; }
location /old/ { include scgi_params; scgi_param SCRIPT_NAME /old; scgi_param CONTENT_LENGTH $content_length; scgi_pass unix:/run/socketgi/app.sock; }
location /other/ { include scgi_params; scgi_param CONTENT_LENGTH 3; scgi_pass unix:/run/socketgi/app.sock; }
location /lost/ { include scgi_params; scgi_param SCRIPT_NAME /lost; scgi_param CONTENT_LENGTH ""; scgi_pass unix:/run/socketgi/app.sock; }
`)
	s.restartNginx()
	logged := func(text string) {
		t.Helper()
		s.Wait("the log to say "+text, func() error {
			if out := s.Run("journalctl", "-q", "-o", "cat", "-u", "app.service"); !strings.Contains(out, text) {
				return io.ErrUnexpectedEOF
			}
			return nil
		})
	}

	for _, c := range []struct{ url, script, info, query string }{
		{"/app", "/app", "", ""},
		{"/app/", "/app", "/", ""},
		{"/app?a=b", "/app", "", "a=b"},
		{"/app/a%20b%2Fc%0Ad%C3%A9?y=1;z=%zz", "/app", "/a b/c\nd\u00c3\u00a9", "y=1;z=%zz"},
		{"/app//x/./y/../z", "/app", "/x/z", ""},
		{"/%61pp/x", "/app", "/x", ""},
		{"/app/app/x", "/app", "/app/x", ""},
		{"/app/x.css", "/app", "/x.css", ""},
		{"/app/subway", "/app", "/subway", ""},
		{"/app/sub", "/app/sub", "", ""},
		{"/app/sub/x.php", "/app/sub", "/x.php", ""},
	} {
		w := where(t, s.get(c.url))
		assert.Equal(t, [3]string{c.script, c.info, c.query}, [3]string{w.Script, w.Info, w.Query}, "%s", c.url)
	}
	assert.Equal(t, 404, s.get("/apple").StatusCode)
	assert.Equal(t, 417, s.get("/app/own/x").StatusCode, "a longer prefix wins")
	assert.Equal(t, "of a file", s.get("/app/static/style.css").body)
	assert.Equal(t, 404, s.get("/app/static/none.css").StatusCode)

	large := strings.Repeat("x", 100_000)
	for name, body := range map[string]func() io.Reader{
		"none":    func() io.Reader { return nil },
		"sized":   func() io.Reader { return strings.NewReader("hello") },
		"chunked": func() io.Reader { return io.MultiReader(strings.NewReader("hello")) },
		"large":   func() io.Reader { return strings.NewReader(large) },
	} {
		t.Run(name, func(t *testing.T) {
			length := map[string]int{"none": 0, "large": len(large)}[name]
			if length == 0 && name != "none" {
				length = 5
			}
			assert.Equal(t, 401, s.do("POST", "/guarded/x", body()).StatusCode)
			assert.Equal(t, length, where(t, s.do("POST", "/guarded/x", body(), "X-Key", "right")).Body)
			assert.Equal(t, length, where(t, s.do("POST", "/old/x", body())).Body)
			w := where(t, s.do("POST", "/ssi/page", body()))
			assert.Equal(t, told{"/_parts", "/of", "a=page", "0", 0}, w, "an included part has no body")
		})
	}
	assert.Equal(t, told{"/_parts", "/of", "a=file", "0", 0}, where(t, s.get("/pages/page.html")))
	assert.Equal(t, 404, s.get("/_app").StatusCode, "no client gets there")

	// Without the recipe the adapter can't distinguish a subrequest from a body that nginx has truncated.
	assert.Equal(t, 200, s.get("/bare/x").StatusCode)
	assert.Equal(t, 500, s.do("POST", "/bare/x", strings.NewReader("hello")).StatusCode)
	logged(`scgi_pass_request_body off; scgi_param CONTENT_LENGTH ""; scgi_param HTTP_CONTENT_LENGTH "";`)
	logged("scgi_request_buffering on")

	assert.Equal(t, 400, s.do("POST", "/other/x", strings.NewReader("hello")).StatusCode)
	logged("remove scgi_param CONTENT_LENGTH")
	assert.Equal(t, 0, where(t, s.get("/lost/x")).Body)
	assert.Equal(t, 400, s.do("POST", "/lost/x", strings.NewReader("hello")).StatusCode)
	logged("the web server announces no body, but sends one")
}
