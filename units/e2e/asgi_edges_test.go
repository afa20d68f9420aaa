package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// edges are requests for behaviour that the specification leaves to the server, or forbids the application: a
// path of testdata/asgi/asgiapp.py, the response of this project through nginx, and uvicorn's if it differs.
var edges = []struct{ path, ours, uvicorns string }{
	{"raise", "500", ""},
	{"cancel", "500", ""},
	{"exit", "500", ""},
	// The application returns without a response.
	{"nothing", "500", ""},
	// The head is sent with the first part of the body, as for a WSGI application, or alone after a moment.
	// uvicorn sends it at once, so a failure between the two is an empty page for the client.
	{"onlystart", "500", `200 ""`},
	{"twice", "500", `200 ""`},
	{"str", "500", `200 ""`},
	{"nostart", "500", ""},
	{"unknown", "500", ""},
	// The application fails in the middle of a response. This project resets the SCGI connection; uvicorn
	// closes its HTTP/1.0 connection to nginx, as after a complete response.
	{"raiselater", "200, cut", `200 "part"`},
	{"nolast", "200, cut", `200 "part"`},
	{"short", "200, cut", ""},
	// The body exceeds Content-Length: it ends there; uvicorn sends none of it.
	{"long", `200 "too "`, "200, cut"},
	// "any further messages on the channel will be ignored".
	{"after", `200 "body"`, ""},
	{"nobody", `200 ""`, ""},
	{"noheaders", `200 "body"`, ""},
	{"upper", `200 "body", X-Upper: Value`, ""},
	{"connection", `200 "body"`, ""},
	{"status/204", `204 ""`, ""},
	{"bodyof204", `204 ""`, ""},
	{"status/304", `304 ""`, ""},
	{"status/299", `299 "body"`, ""},
	// uvicorn closes the connection for a head that it can't write: nginx answers 502.
	{"split", "500", "502"},
	{"status/99", "500", "502"},
	{"status/101", "500", "502"},
	{"status/102", "500", "502"},
	{"status/999", `999 "body"`, "502"},
}

// TestASGIEdges compares this project, in each mode, with uvicorn for the same application.
func TestASGIEdges(t *testing.T) {
	s := newSite(t)
	s.Install("testdata/asgi/asgiapp.py", "/srv/asgiapp.py", 0o644)
	var names []string
	for _, mode := range asgiModes {
		mount := "/" + mode.name
		s.place(append([]string{mode.name, "/srv/asgiapp.py", "--python", "/usr/bin/python3", "--user", "www-data", "--mount", mount}, mode.flags...),
			[]string{mode.name, "--mount", mount})
		names = append(names, mode.name)
	}
	s.Write("/etc/systemd/system/uvicorn.service", "[Service]\nUser=www-data\nWorkingDirectory=/srv\nRuntimeDirectory=uvicorn\n"+
		"ExecStart=/usr/bin/python3 -m uvicorn --uds /run/uvicorn/sock asgiapp:app\n")
	s.Write("/etc/nginx/apps/uvicorn.conf", "location /uvicorn { rewrite ^/uvicorn(/.*)$ $1 break; proxy_set_header Host $host; proxy_pass http://unix:/run/uvicorn/sock:; }\n")
	s.start(names...)
	s.Run("systemctl", "start", "uvicorn")
	s.Wait("uvicorn", func() error {
		if got := s.get("/uvicorn/pid"); got.StatusCode != 200 {
			return fmt.Errorf("%d", got.StatusCode)
		}
		return nil
	})
	for _, e := range edges {
		for _, name := range names {
			assert.Equal(t, e.ours, s.edge("/"+name+"/"+e.path), "%s, %s", e.path, name)
		}
		want := e.uvicorns
		if want == "" {
			want = e.ours
		}
		assert.Equal(t, want, s.edge("/uvicorn/"+e.path), "%s, uvicorn", e.path)
	}
}

// edge returns a response in short. nginx determines how much of an incomplete one reaches the client.
func (s *site) edge(url string) string {
	s.t.Helper()
	got := s.get(url)
	text := fmt.Sprint(got.StatusCode)
	switch {
	case got.err != nil:
		text += ", cut"
	case got.StatusCode < 500 || got.StatusCode > 599:
		text += fmt.Sprintf(" %q", got.body)
	}
	for _, name := range []string{"X-Upper", "X-Evil"} {
		if v := got.Header.Get(name); v != "" {
			text += fmt.Sprintf(", %s: %s", name, v)
		}
	}
	return text
}
