package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// asgiModes are the modes in which units run an application, with the flags of each.
var asgiModes = []struct {
	name  string
	flags []string
}{
	{"single", nil},
	{"fresh", []string{"--accept", "no", "--workers", "2", "--max-requests", "1"}},
	{"warm", []string{"--accept", "no", "--workers", "2"}},
}

// asgiApps are the applications of testdata/asgi, by the names of their files.
var asgiApps = []struct{ name, file, home string }{
	{"fastapi", "fastapiapp.py", "FastAPI here"},
	{"starlette", "starletteapp.py", "Starlette here"},
	{"django", "djangoasgi.py", "Django here"},
	{"wrapped", "wrapped.py", "asgiref here"},
	{"asgi", "asgiapp.py", ""},
}

// asgiSite boots a site with all of them in each mode, at /MODE/NAME.
func asgiSite(t *testing.T) *site {
	s := newSite(t)
	s.Run("ip", "link", "set", "lo", "up")
	s.Install("testdata/djangoapp.py", "/srv/djangoapp.py", 0o644)
	var names []string
	for _, app := range asgiApps {
		s.Install("testdata/asgi/"+app.file, "/srv/"+app.file, 0o644)
		for _, mode := range asgiModes {
			name := mode.name + "-" + app.name
			mount := "/" + mode.name + "/" + app.name
			location := []string{name, "--mount", mount}
			if app.name == "asgi" { // the others have X-Accel-Buffering: no
				location = append(location, "--streaming")
			}
			s.place(append([]string{name, "/srv/" + app.file, "--python", "/usr/bin/python3", "--user", "www-data", "--mount", mount, "--env", "NAME=" + name},
				mode.flags...), location)
			names = append(names, name)
			s.listening[name] = mode.flags != nil
		}
	}
	s.start(names...)
	return s
}

// TestASGI requests pages of frameworks, and of an application without one, in each mode.
func TestASGI(t *testing.T) {
	s := asgiSite(t)
	var ran []string
	for _, mode := range asgiModes {
		t.Run(mode.name, func(t *testing.T) {
			s.t = t
			ran = append(ran, mode.name)
			mount := "/" + mode.name
			for _, app := range asgiApps[:3] {
				if mode.name == "single" {
					s.tryBodies(mount+"/"+app.name, app.home, 2<<20)
				} else {
					s.tryFramework(mount+"/"+app.name, app.home, 2<<20)
				}
			}
			s.tryFastAPI(mount + "/fastapi")
			assert.Equal(t, "asgiref here", s.get(mount+"/wrapped/").body)
			s.tryScope(mount + "/asgi")
			s.tryStreams(mount+"/asgi", mode.name)
		})
	}
	s.t = t
	var listening []string
	for name, is := range s.listening {
		if is {
			listening = append(listening, name+".service")
		}
	}
	s.Run("systemctl", append([]string{"stop"}, listening...)...)
	s.noProcess("socketgi-adapter|python")
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
	for _, mode := range ran {
		s.tryLifespans(mode + "-asgi")
	}
}

// tryFastAPI checks a validated model, a task after the response, and a lifespan state for each process.
func (s *site) tryFastAPI(mount string) {
	t := s.t
	t.Helper()
	var item struct {
		Name         string
		Double       float64
		PID, Started int
	}
	got := s.do("POST", mount+"/item", strings.NewReader(`{"name": "café", "price": 1.5}`), "Content-Type", "application/json")
	require.Equal(t, 200, got.StatusCode, "%s", got.body)
	require.NoError(t, json.Unmarshal([]byte(got.body), &item))
	assert.Equal(t, "café", item.Name)
	assert.InDelta(t, 3, item.Double, 0)
	assert.Equal(t, item.PID, item.Started, "the lifespan is of the process that answers")
	assert.Equal(t, 422, s.do("POST", mount+"/item", strings.NewReader(`{"name": 1}`), "Content-Type", "application/json").StatusCode)

	name := strings.ReplaceAll(strings.Trim(mount, "/"), "/", "-")
	assert.Equal(t, `"answered"`, s.get(mount+"/background?name="+name).body)
	assert.NoFileExists(t, s.Path("/srv/open/done-"+name))
	s.Write("/srv/open/gate-"+name, "")
	s.Wait("the task", func() error {
		_, err := os.Stat(s.Path("/srv/open/done-" + name))
		return err
	})
}

// tryScope compares the scope of a request with the request.
func (s *site) tryScope(mount string) {
	t := s.t
	t.Helper()
	got := s.get("http://localhost:8443"+mount+"/scope/caf%C3%A9%2Fx?a=%26&b", "X-One", "1", "Cookie", "a=b")
	require.Equal(t, 200, got.StatusCode, "%s", got.body)
	var scope map[string]any
	require.NoError(t, json.Unmarshal([]byte(got.body), &scope))
	headers := map[string]string{}
	for _, pair := range scope["headers"].([]any) {
		headers[pair.([]any)[0].(string)] = pair.([]any)[1].(string)
	}
	for key, want := range map[string]string{"type": "http", "method": "GET", "scheme": "http", "http_version": "1.1",
		"path": mount + "/scope/café/x", "raw_path": mount + "/scope/caf%C3%A9%2Fx", "root_path": mount, "query_string": "a=%26&b"} {
		assert.Equal(t, want, scope[key], key)
	}
	assert.Equal(t, "localhost:8443", headers["host"])
	assert.Equal(t, "1", headers["x-one"])
	assert.Equal(t, "a=b", headers["cookie"])
	assert.NotContains(t, headers, "content-length")
}

// streaming is a partly read response.
type streaming struct {
	s    *site
	resp *http.Response
}

// open requests url, and expects the first part of its body.
func (s *site) open(url, first string) streaming {
	s.t.Helper()
	resp, err := s.client.Get("http://localhost" + url)
	require.NoError(s.t, err)
	require.Equal(s.t, 200, resp.StatusCode)
	part := make([]byte, len(first))
	_, err = io.ReadFull(resp.Body, part)
	require.NoError(s.t, err)
	require.Equal(s.t, first, string(part))
	return streaming{s, resp}
}

// rest returns the rest of the body.
func (r streaming) rest() string {
	r.s.t.Helper()
	defer r.resp.Body.Close()
	rest, err := io.ReadAll(r.resp.Body)
	require.NoError(r.s.t, err)
	return string(rest)
}

// noted waits until the application NAME has written a line.
func (s *site) noted(name, line string) {
	s.t.Helper()
	s.Wait("the note "+line, func() error {
		text, err := os.ReadFile(s.Path("/srv/open/notes-" + name))
		if err == nil && !strings.Contains("\n"+string(text), "\n"+line+"\n") {
			return errors.New(string(text))
		}
		return err
	})
}

// tryStreams requests bodies and events of the application without a framework, closes a connection early,
// and has a task run after its response.
func (s *site) tryStreams(mount, mode string) {
	t := s.t
	t.Helper()
	app := mode + "-asgi"
	data := bytes.Repeat([]byte("0123456789abcdef"), 5<<20/16)
	assert.Equal(t, fmt.Sprintf("%d %x", len(data), sha256.Sum256(data)), s.do("POST", mount+"/upload", bytes.NewReader(data)).body)
	assert.Len(t, s.get(mount+"/download/200").body, 200*65536)

	events := s.open(mount+"/events/"+mode, "data: one\n\n")
	assert.Equal(t, "text/event-stream", events.resp.Header.Get("Content-Type"))
	s.Write("/srv/open/gate-"+mode, "")
	assert.Equal(t, "data: two\n\n", events.rest())

	s.open(mount+"/disconnect/"+mode, ".").resp.Body.Close()
	s.noted(app, "http.disconnect "+mode)

	assert.Equal(t, "answered", s.get(mount+"/background/later-"+mode).body)
	s.Write("/srv/open/gate-later-"+mode, "")
	s.noted(app, "background later-"+mode)

	assert.Equal(t, "body", s.get(mount+"/again/"+mode).body)
	s.noted(app, "again "+mode+" http.disconnect")
}

// tryLifespans checks that each process has started and ended one lifespan.
func (s *site) tryLifespans(name string) {
	t := s.t
	t.Helper()
	text, err := os.ReadFile(s.Path("/srv/open/notes-" + name))
	require.NoError(t, err)
	started, ended := map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(text)) {
		switch word, pid, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "startup":
			started[pid]++
		case "shutdown":
			assert.Equal(t, 1, started[pid])
			ended[pid]++
		}
	}
	assert.NotEmpty(t, started)
	assert.Equal(t, started, ended, "%s:\n%s", name, text)
	for pid, n := range started {
		assert.Equal(t, 1, n, "process %s of %s", pid, name)
	}
}
