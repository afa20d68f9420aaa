package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestErrors has requests fail with a status only, and checks that each is found where operators look for
// errors.
func TestErrors(t *testing.T) { eachUnit(t, testErrors) }

// speaksUp answers 500, and logs the reason in each possible way.
const speaksUp = `import logging, os, sys
logging.basicConfig(stream=sys.stderr)
def application(environ, start):
    path = environ['PATH_INFO']
    if path == '/own':
        logging.error('by logging')
        print('by print', file=sys.stderr)
        environ['wsgi.errors'].write('by wsgi.errors\n')
        start('503 Own', [])
    elif path.startswith('/die'):
        os._exit(3)
    else:
        print('all is well', file=sys.stderr)
        start('200 OK', [])
    return [b'x']
`

func testErrors(t *testing.T, flags ...string) {
	s := newSite(t)
	s.serve("flask", "flaskapp.py", "/flask", append(flags, "--user", "www-data")...)
	s.Write("/srv/speaks.py", speaksUp)
	s.place(append([]string{"speaks", "/srv/speaks.py", "--python", "/usr/bin/python3", "--mount", "/s"}, flags...), []string{"speaks", "--mount", "/s"})
	s.Run("sh", "-c", `sed -i 's|^ExecStart=[^ ]* |&--max-header 128K |' /etc/systemd/system/speaks*.service`)
	s.start("speaks")
	s.listening["speaks"] = s.listening["flask"]

	assert.Equal(t, 200, s.get("/flask/").StatusCode)
	assert.Equal(t, 500, s.get("/flask/broken").StatusCode)
	s.logged(s.journal("flask"), map[string]string{"SOCKETGI_PATH": "/flask/broken", "SOCKETGI_STATUS": "500"})
	out, _ := s.socketgi("logs", "flask", "--errors")
	assert.Contains(t, out, "GET /flask/broken")
	assert.Contains(t, out, "RuntimeError: secret detail")
	assert.NotContains(t, out, "GET /flask/,")
	got := s.shown("flask")
	require.NotNil(t, got.LastError)
	assert.Equal(t, got.Requests[0].ID, got.LastError.ID)
	assert.Contains(t, got.LastError.Message, "RuntimeError: secret detail")

	assert.Equal(t, 200, s.get("/s/well").StatusCode)
	assert.Equal(t, 503, s.get("/s/own").StatusCode)
	assert.Equal(t, 200, s.get("/s/last").StatusCode)
	s.logged(s.journal("speaks"), map[string]string{"SOCKETGI_PATH": "/s/last", "SOCKETGI_STATUS": "200"})
	got = s.shown("speaks")
	out = s.Run("/usr/local/bin/socketgi", "logs", "speaks", "--id", got.Requests[1].ID)
	errors, _ := s.socketgi("logs", "speaks", "--errors")
	for _, by := range []string{"by logging", "by print", "by wsgi.errors", "GET /s/own"} {
		assert.Equal(t, 1, strings.Count(out, by), "%s: %s", by, out)
		assert.Equal(t, 1, strings.Count(errors, by), "%s: %s", by, errors)
	}
	assert.NotContains(t, errors, "all is well")
	if assert.NotNil(t, got.LastError) {
		assert.Equal(t, got.Requests[1].ID, got.LastError.ID)
		assert.Contains(t, got.LastError.Message, "by wsgi.errors")
	}

	// The paths of some records are long, and of others too long for a datagram. nginx and the adapter accept
	// such requests if configured.
	s.Write("/etc/nginx/conf.d/long.conf", "large_client_header_buffers 4 128k;\n")
	s.restartNginx()
	for path, logged := range map[string]string{
		"/s/die" + strings.Repeat("x", 60000):   "/s/die" + strings.Repeat("x", 60000),
		"/s/die" + strings.Repeat("%01", 30000): "/s/die" + strings.Repeat(`\x01`, 1000),
	} {
		assert.Equal(t, 502, s.get(path).StatusCode)
		s.Wait("the record of "+path[:20], func() error {
			if got = s.shown("speaks"); len(got.Requests) > 0 && got.Requests[0].Status == 502 && strings.HasPrefix(got.Requests[0].Path, logged) {
				return nil
			}
			return fmt.Errorf("%.100v", got.Requests)
		})
		errors, _ = s.socketgi("logs", "speaks", "--errors")
		assert.Contains(t, errors, "502 GET "+logged)
	}
}

// TestProbes sends requests like doctor's, and clients' imitations to be omitted from the log.
func TestProbes(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/speaks.py", speaksUp)
	s.place([]string{"speaks", "/srv/speaks.py", "--python", "/usr/bin/python3", "--mount", "/s"}, []string{"speaks", "--mount", "/s"})
	s.start("speaks")
	announce := func(user, id string) {
		t.Helper()
		s.Run("/usr/bin/setpriv", "--reuid", user, "--clear-groups", "/usr/bin/python3", "-c", fmt.Sprintf(`import socket
j = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
j.connect('/run/systemd/journal/socket')
j.send(b'MESSAGE=probe\nMESSAGE_ID=5d0d6a3c7e5b4c1f9a5f2f0c9d1e8b62\nSOCKETGI_PROBE=%s\n')`, id))
	}
	announce("root", "our-own")
	announce("www-data", "a-fake")
	for i, id := range []string{"our-own", "a-fake", "unheard-of"} {
		assert.Equal(t, 502, s.get(fmt.Sprintf("/s/die/%d", i), "Socketgi-Probe", id).StatusCode)
	}
	s.logged("speaks@*", map[string]string{"SOCKETGI_PATH": "/s/die/2", "SOCKETGI_STATUS": "502"})
	got := s.shown("speaks")
	out, _ := s.socketgi("logs", "speaks")
	errors, _ := s.socketgi("logs", "speaks", "--errors")
	require.Len(t, got.Requests, 2)
	assert.Equal(t, "/s/die/2", got.Requests[0].Path)
	for _, out := range []string{out, errors} {
		assert.NotContains(t, out, "/s/die/0")
		assert.Contains(t, out, "/s/die/1")
		assert.Contains(t, out, "/s/die/2")
	}
	s.logged("speaks@*", map[string]string{"SOCKETGI_PATH": "/s/die/0", "SOCKETGI_STATUS": "502", "SOCKETGI_PROBE": "our-own"})
}
