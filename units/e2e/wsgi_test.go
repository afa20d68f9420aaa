package e2e

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestArticle serves the script of the 2011 article, unchanged.
func TestArticle(t *testing.T) { eachProfile(t, testArticle) }

func testArticle(t *testing.T, profile string) {
	s := newSite(t)
	s.serve("test", "article.py", "/test", "--profile", profile)
	got := s.get("/test")
	assert.Equal(t, 200, got.StatusCode)
	assert.Equal(t, "Hello world!\n", got.body)
	assert.Equal(t, "text/plain", got.Header.Get("Content-Type"))
	assert.Equal(t, "Hello world!\n", s.get("/test/anything?x=1").body)
	assert.Equal(t, 404, s.get("/testing").StatusCode, "/testing is another path than /test")
	s.allEnded("test")
}

func TestUnitsVerify(t *testing.T) {
	s := newSite(t)
	s.serve("test", "article.py", "/test")
	out := s.Run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/test.socket", "/etc/systemd/system/test@.service")
	assert.Empty(t, out)
	s.serve("other", "article.py", "/other", "--user", "www-data", "--timeout", "5s", "--profile", "strict")
	out = s.Run("systemd-analyze", "verify", "--man=no", "/etc/systemd/system/other.socket", "/etc/systemd/system/other@.service")
	assert.Empty(t, out)
	assert.Equal(t, "660 root www-data\n", s.Run("stat", "-c", "%a %U %G", "/run/socketgi/other.sock"))
}

// TestValidate has wsgiref check the application and the server, at the root and below a prefix.
func TestValidate(t *testing.T) { eachUnit(t, testValidate) }

func testValidate(t *testing.T, flags ...string) {
	s := newSite(t)
	s.serve("root", "checked.py", "", flags...)
	s.serve("sub", "checked.py", "/sub", flags...)
	assert.Equal(t, "REQUEST_METHOD=GET\nSCRIPT_NAME=\nPATH_INFO=/a b\nQUERY_STRING=x=%2F\nHTTP_HOST=localhost:8443\n"+
		"SERVER_PROTOCOL=HTTP/1.1\nwsgi.url_scheme=http\nbody=0", s.get("http://localhost:8443/a%20b?x=%2F").body)
	assert.Equal(t, "REQUEST_METHOD=POST\nSCRIPT_NAME=/sub\nPATH_INFO=\nQUERY_STRING=\nHTTP_HOST=localhost\n"+
		"SERVER_PROTOCOL=HTTP/1.1\nwsgi.url_scheme=http\nbody=3", s.do("POST", "/sub", strings.NewReader("abc")).body)
	assert.Contains(t, s.get("/sub/x%0Ay").body, "PATH_INFO=/x\ny\n", "a path may hold a line break")
	head := s.do("HEAD", "/sub/", nil)
	assert.Equal(t, 200, head.StatusCode)
	assert.Empty(t, head.body)
	s.allEnded("root")
	s.allEnded("sub")
}

func TestFlask(t *testing.T) {
	eachUnit(t, func(t *testing.T, flags ...string) { testFramework(t, "flaskapp.py", "Flask here", flags...) })
}

func TestDjango(t *testing.T) {
	eachUnit(t, func(t *testing.T, flags ...string) { testFramework(t, "djangoapp.py", "Django here", flags...) })
}

func testFramework(t *testing.T, app, home string, flags ...string) {
	s := newSite(t)
	s.serve("app", app, "/my/app", append([]string{"--user", "www-data"}, flags...)...)

	s.tryFramework("/my/app", home, 30<<20)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "naïve.txt")
	require.NoError(t, err)
	_, _ = part.Write(make([]byte, 1<<20))
	require.NoError(t, w.WriteField("field", "value"))
	require.NoError(t, w.Close())
	assert.Equal(t, "naïve.txt 1048576 value",
		s.do("POST", "/my/app/form", &form, "Content-Type", w.FormDataContentType()).body)
	s.allEnded("app")
	assert.Equal(t, http.StatusOK, s.get("/my/app/").StatusCode)
}

// tryFramework requests the pages of a framework's application at mount, with uploads of size bytes.
func (s *site) tryFramework(mount, home string, size int) {
	s.t.Helper()
	s.tryBodies(mount, home, size)
	t := s.t
	got := s.get(mount + "/cookie")
	assert.Equal(t, "had none", got.body)
	assert.Contains(t, got.Header.Get("Set-Cookie"), "seen=yes")
	assert.Equal(t, "had yes", s.get(mount+"/cookie", "Cookie", "a=b; seen=yes").body)

	got = s.get("http://localhost:8080" + mount + "/away")
	assert.Equal(t, 302, got.StatusCode)
	assert.Equal(t, "http://localhost:8080"+mount+"/", got.Header.Get("Location"), "with the client's port and the prefix")

	assert.Equal(t, "café crème", s.get(mount+"/caf%C3%A9/cr%C3%A8me").body)
	assert.Len(t, s.get(mount+"/big-header").Header.Get("X-Big"), 20000)
	assert.Equal(t, 404, s.get(mount+"/missing").StatusCode)
}

// tryBodies sends and receives bodies, and requests a failure.
func (s *site) tryBodies(mount, home string, size int) {
	t := s.t
	t.Helper()
	assert.Equal(t, home, s.get(mount+"/").body)
	got := s.do("HEAD", mount+"/", nil)
	assert.Equal(t, 200, got.StatusCode)
	assert.Equal(t, int64(len(home)), got.ContentLength)

	data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	want := fmt.Sprintf("%d %x", len(data), sha256.Sum256(data))
	assert.Equal(t, want, s.do("POST", mount+"/upload", bytes.NewReader(data)).body)
	chunked := struct{ *bytes.Reader }{bytes.NewReader(data)} // without a Content-Length
	assert.Equal(t, want, s.do("POST", mount+"/upload", chunked).body)

	resp, err := s.client.Get("http://localhost" + mount + "/stream")
	require.NoError(t, err)
	chunk := make([]byte, 100)
	n, err := resp.Body.Read(chunk)
	require.NoError(t, err)
	assert.Equal(t, "first\n", string(chunk[:n]), "the first chunk leaves before the second is made")
	s.Write("/srv/gate", "")
	n, _ = resp.Body.Read(chunk)
	assert.Equal(t, "second\n", string(chunk[:n]))
	resp.Body.Close()
	assert.NoError(t, os.Remove(s.Path("/srv/gate")))

	got = s.get(mount + "/broken")
	assert.Equal(t, 500, got.StatusCode)
	assert.NotContains(t, got.body, "secret detail")
	s.Wait("the traceback to be logged", func() error {
		if log := s.Run("journalctl", "--no-pager", "-o", "cat"); !strings.Contains(log, "secret detail") {
			return fmt.Errorf("%s", log)
		}
		return nil
	})
}

// TestPrivatePIDs checks that each request has process IDs of its own, a feature of systemd 257.
func TestPrivatePIDs(t *testing.T) {
	s := newSite(t)
	s.serve("app", "article.py", "/app", "--user", "www-data")
	s.Write("/etc/systemd/system/app@.service.d/pids.conf", "[Service]\nPrivatePIDs=yes\n")
	s.Run("systemctl", "daemon-reload")
	status := s.get("/app").StatusCode
	if machine.Suite() == "bookworm" {
		assert.Equal(t, 200, status, "252 omits unknown fields")
		return
	}
	assert.Equal(t, 502, status, "there was no connection that a page could be written to")
	s.Wait("the reason in the log", func() error {
		if out := s.Run("journalctl", "--no-pager", "-u", "app@*"); !strings.Contains(out, "remove PrivatePIDs=yes") {
			return errors.New(out)
		}
		return nil
	})
}
