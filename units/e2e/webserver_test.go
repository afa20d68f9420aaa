package e2e

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// webServer is a web server that is tested with all applications: the output of socketgi for it, in a
// configuration with three ports, the second with TLS and the third for users with a password.
type webServer struct {
	name      string
	ports     [3]string
	configure func(s *site, conf map[string]string) // conf is the output of socketgi for each application
	units     []string                              // to start
	// noLength reports that a request body without Content-Length is refused with 411.
	noLength bool
}

const certificate = "/etc/ssl/web.pem"

var webServers = []webServer{
	{"nginx", [3]string{"8001", "8002", "8003"}, func(s *site, conf map[string]string) {
		all, guarded := "", ""
		for _, text := range conf {
			all += text
			guarded += strings.ReplaceAll(text, "    scgi_pass", "    scgi_param REMOTE_USER $remote_user;\n    scgi_pass")
		}
		const begin = "server {\nclient_max_body_size 0;\nlisten 127.0.0.1:"
		s.Write("/etc/nginx/sites-enabled/default", begin+"8001;\n"+all+"}\n"+
			begin+"8002 ssl;\nssl_certificate "+certificate+";\nssl_certificate_key "+certificate+";\n"+all+"}\n"+
			begin+"8003;\nauth_basic web;\nauth_basic_user_file /etc/web.users;\n"+guarded+"}\n")
	}, []string{"nginx"}, false},
	{"apache", [3]string{"8011", "8012", "8013"}, func(s *site, conf map[string]string) {
		s.Write("/etc/apache2/ports.conf", "Listen 127.0.0.1:8011\nListen 127.0.0.1:8012\nListen 127.0.0.1:8013\nServerName localhost\n")
		for name, text := range conf {
			if name == "root" { // an Alias of a virtual host has precedence over all others
				name = "zz-root"
			}
			s.Write("/etc/apache2/conf-enabled/"+name+".conf", strings.Replace(text, "# FilterChain !", "FilterChain !", 1))
		}
		s.Write("/etc/apache2/sites-enabled/000-default.conf", `<VirtualHost *:8011>
AllowEncodedSlashes On
</VirtualHost>
<VirtualHost *:8012>
SSLEngine on
SSLCertificateFile `+certificate+`
</VirtualHost>
<VirtualHost *:8013>
<Location "/">
AuthType Basic
AuthName web
AuthUserFile /etc/web.users
Require valid-user
</Location>
</VirtualHost>
`)
		s.Run("a2enmod", "-q", "proxy", "proxy_scgi", "ssl")
	}, []string{"apache2"}, true},
	{"lighttpd", [3]string{"8021", "8022", "8023"}, func(s *site, conf map[string]string) {
		s.Run("sed", "-i", "/use-ipv6/d; s/^server.port .*/server.port = 8021/", "/etc/lighttpd/lighttpd.conf")
		for name, text := range conf {
			s.Write("/etc/lighttpd/conf-available/50-"+name+".conf", text)
			s.Run("lighty-enable-mod", name)
		}
		s.Write("/etc/lighttpd/conf-enabled/10-web.conf", `server.modules += ( "mod_openssl", "mod_auth", "mod_authn_file" )
server.bind = "127.0.0.1"
server.max-request-field-size = 32768
auth.backend = "htpasswd"
auth.backend.htpasswd.userfile = "/etc/web.users"
$SERVER["socket"] == "127.0.0.1:8022" { ssl.engine = "enable" ssl.pemfile = "`+certificate+`" }
$SERVER["socket"] == "127.0.0.1:8023" { auth.require = ( "/" => ( "method" => "basic", "realm" => "web", "require" => "valid-user" ) ) }
`)
	}, []string{"lighttpd"}, false},
}

// writeCertificate writes a certificate for localhost, with its key.
func (s *site) writeCertificate() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(s.t, err)
	about := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	require.NoError(s.t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(s.t, err)
	s.Write(certificate, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))+
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

// at makes requests go to a port of the machine, with TLS if the URL has it.
func (s *site) at(port string) {
	s.client = &http.Client{
		Transport: &http.Transport{
			DisableCompression: true,
			DisableKeepAlives:  true,
			TLSClientConfig:    &tls.Config{InsecureSkipVerify: true},
			DialContext: func(context.Context, string, string) (net.Conn, error) {
				return s.Dial("127.0.0.1", "127.0.0.1:"+port)
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       2 * time.Minute,
	}
}

// TestWebServers serves the same applications behind every web server, at / and at a prefix.
func TestWebServers(t *testing.T) {
	s := newSite(t)
	s.Run("ip", "link", "set", "lo", "up")
	s.Run("systemctl", "stop", "nginx")
	s.writeCertificate()
	s.Write("/etc/web.users", s.Run("htpasswd", "-nb", "me", "secret"))
	for _, file := range []string{"family.py", "flaskapp.py", "djangoapp.py"} {
		s.Install(filepath.Join("testdata", file), "/srv/"+file, 0o755)
	}
	s.Write("/srv/open/style.css", "of a file")
	s.Write("/srv/cgi/env.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'; echo \"$SCRIPT_NAME|$PATH_INFO|$SCRIPT_FILENAME|$PATH_TRANSLATED\"\n")
	s.Run("chmod", "755", "/srv/cgi/env.cgi")
	warm := []string{"--accept", "no", "--user", "www-data"}
	apps := map[string][]string{
		"root":   append([]string{"/srv/family.py", "--python", "/usr/bin/python3"}, warm...),
		"sub":    append([]string{"/srv/family.py", "--python", "/usr/bin/python3", "--mount", "/sub"}, warm...),
		"django": append([]string{"/srv/djangoapp.py", "--python", "/usr/bin/python3", "--mount", "/my/app"}, warm...),
		"cgi":    {"--user", "www-data", "--mount", "/tools", "--cgi-root", "/srv/cgi"},
		"git":    {"--user", "www-data", "--mount", "/git", "--env", "GIT_PROJECT_ROOT=/srv/git", "--env", "GIT_HTTP_EXPORT_ALL=1", "--cgi", "--", gitBackend},
	}
	for name, args := range apps {
		s.install(s.Run("/usr/local/bin/socketgi", append([]string{"units", name}, args...)...))
		s.Run("systemctl", "daemon-reload")
		s.Run("systemctl", "start", name+".socket")
	}
	for _, w := range webServers {
		conf := map[string]string{}
		for name := range apps {
			args := []string{w.name, name}
			if name == "sub" {
				args = append(args, "--static", "/sub/static=/srv/open")
			}
			conf[name] = s.Run("/usr/local/bin/socketgi", args...)
		}
		w.configure(s, conf)
		s.Run("systemctl", append([]string{"restart"}, w.units...)...)
	}
	outer := s.t
	for _, w := range webServers {
		t.Run(w.name, func(t *testing.T) {
			s.t = t
			defer func() { s.t = outer }()
			s.Wait(w.name+" to listen", func() error {
				c, err := s.Dial("127.0.0.1", "127.0.0.1:"+w.ports[0])
				if err == nil {
					c.Close()
				}
				return err
			})
			s.at(w.ports[0])
			for _, mount := range []string{"", "/sub"} {
				s.tryFamily(w, mount)
			}
			s.tryBeside(w)
			s.tryGit(w)
			s.tryIdentity(w)
		})
	}
	s.Run("systemctl", "stop", "root.service", "sub.service", "django.service")
	assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
}

// variables returns what reached the application.
func (s *site) variables(method, url string, body io.Reader, header ...string) (seen map[string]string) {
	s.t.Helper()
	got := s.do(method, url, body, header...)
	require.Equal(s.t, 200, got.StatusCode, "%s: %s", url, got.body)
	require.NoError(s.t, json.Unmarshal([]byte(got.body), &seen), "%s", got.body)
	return seen
}

// tryFamily sends all kinds of requests to the application at a mount.
func (s *site) tryFamily(w webServer, mount string) {
	t := s.t
	t.Helper()
	for _, c := range [][3]string{
		{"/seen/a%20b%2Fc%C3%A9", "/seen/a b/c\u00c3\u00a9", ""},
		{"/seen/x/../y?a=%26&b", "/seen/y", "a=%26&b"},
		{"/seen/apache2.conf/", "/seen/apache2.conf/", ""},
	} {
		v := s.variables("GET", mount+c[0], nil)
		assert.Equal(t, [3]string{mount, c[1], c[2]}, [3]string{v["SCRIPT_NAME"], v["PATH_INFO"], v["QUERY_STRING"]}, "%s", c[0])
		assert.NotContains(t, v, "SCRIPT_FILENAME")
		assert.Equal(t, "http", v["wsgi.url_scheme"])
	}
	assert.Equal(t, "Flask here", s.get(mount+"/").body)
	assert.Equal(t, "caf\u00e9 cr\u00e8me", s.get(mount+"/caf%C3%A9/cr%C3%A8me").body)
	got := s.do("HEAD", mount+"/", nil)
	assert.Equal(t, int64(len("Flask here")), got.ContentLength, "of HEAD")
	assert.Equal(t, int64(len("Flask here")), s.get(mount+"/").ContentLength)
	assert.Equal(t, "http://localhost:8443"+mount+"/", s.get("http://localhost:8443"+mount+"/away").Header.Get("Location"))
	assert.Equal(t, 500, s.get(mount+"/broken").StatusCode)
	assert.Equal(t, 404, s.get(mount+"/missing").StatusCode)

	data := bytes.Repeat([]byte("0123456789abcdef"), 2<<20/16)
	want := fmt.Sprintf("%d %x", len(data), sha256.Sum256(data))
	assert.Equal(t, want, s.do("POST", mount+"/upload", bytes.NewReader(data)).body)
	chunked := s.do("POST", mount+"/upload", struct{ io.Reader }{bytes.NewReader(data)})
	if w.noLength {
		assert.Equal(t, 411, chunked.StatusCode, "a body of a length that isn't told")
	} else {
		assert.Equal(t, want, chunked.body)
	}
	v := s.variables("POST", mount+"/seen", strings.NewReader("abc"), "Content-Type", "text/x")
	assert.Equal(t, [3]string{"3", "3", "text/x"}, [3]string{v["body"], v["CONTENT_LENGTH"], v["CONTENT_TYPE"]})
	assert.NotContains(t, v, "HTTP_CONTENT_LENGTH")

	s.tryResponses(mount)
	v = s.variables("GET", mount+"/seen", nil, "X-A", strings.Repeat("a", 7500), "X-B", strings.Repeat("b", 7500))
	assert.Len(t, v["HTTP_X_A"]+v["HTTP_X_B"], 15000, "a head of 16 KB")
	req, err := http.NewRequest("GET", "http://localhost"+mount+"/seen", nil)
	require.NoError(t, err)
	req.Header["Cookie"] = []string{"a=1; c=3", "b=2"}
	resp, err := s.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&v))
	resp.Body.Close()
	assert.Equal(t, "a=1; c=3; b=2", v["HTTP_COOKIE"])
}

// tryResponses requests responses that are streamed, partial and incomplete.
func (s *site) tryResponses(mount string) {
	t := s.t
	t.Helper()
	defer os.Remove(s.Path("/srv/gate"))
	resp, err := s.client.Get("http://localhost" + mount + "/stream")
	require.NoError(t, err)
	part := make([]byte, 100)
	n, err := resp.Body.Read(part)
	require.NoError(t, err)
	assert.Equal(t, "first\n", string(part[:n]), "the first chunk leaves before the second is made")
	s.Write("/srv/gate", "")
	rest, err := io.ReadAll(resp.Body)
	assert.NoError(t, err)
	assert.Equal(t, "second\n", string(rest))
	resp.Body.Close()

	got := s.get(mount+"/part", "Range", "bytes=2-4")
	assert.Equal(t, 206, got.StatusCode)
	assert.Equal(t, "234 bytes 2-4/10", got.body+" "+got.Header.Get("Content-Range"))
	assert.Len(t, s.get(mount+"/head").Header.Get("X-Part-3"), 4000, "a head of 16 KB")
	got = s.get(mount + "/cut")
	assert.Error(t, got.err, "a response that is cut is no whole one")
	assert.LessOrEqual(t, len(got.body), 20000)

	unit := map[string]string{"": "root", "/sub": "sub"}[mount] + ".service"
	before := len(s.left(unit))
	resp, err = s.client.Get("http://localhost" + mount + "/endless")
	require.NoError(t, err)
	_, err = io.ReadFull(resp.Body, make([]byte, 10000))
	require.NoError(t, err)
	resp.Body.Close()
	s.Wait("the application to be told that the client has left", func() error {
		if len(s.left(unit)) == before {
			return fmt.Errorf("%d are logged", before)
		}
		return nil
	})
}

// left returns the records of clients that closed the connection.
func (s *site) left(unit string) (lines []string) {
	return strings.Fields(s.Run("journalctl", "-q", "-o", "cat", "--output-fields=SOCKETGI_PATH", "-u", unit, "SOCKETGI_STATUS=499"))
}

// tryBeside requests paths beside the applications of a framework.
func (s *site) tryBeside(w webServer) {
	t := s.t
	t.Helper()
	assert.Equal(t, "Django here", s.get("/my/app/").body)
	assert.Equal(t, "http://localhost/my/app/", s.get("/my/app/away").Header.Get("Location"))
	assert.Equal(t, "of a file", s.get("/sub/static/style.css").body)
	assert.Equal(t, 404, s.get("/subway").StatusCode, "another path than /sub: it is Flask's at /")
	assert.Equal(t, "", s.variables("GET", "/seensub/x", nil)["SCRIPT_NAME"])
	assert.Equal(t, "/tools/env.cgi|/a b|/srv/cgi/env.cgi|", s.get("/tools/env.cgi/a%20b").body[:len("/tools/env.cgi|/a b|/srv/cgi/env.cgi|")])
	assert.NotContains(t, s.get("/tools/env.cgi/a%20b").body, "systemd", "no file of Apache's alias")
	assert.Equal(t, 404, s.get("/tools/none.cgi").StatusCode)
}

// tryGit clones and pushes.
func (s *site) tryGit(w webServer) {
	s.t.Helper()
	bare, work := "/srv/git/"+w.name+".git", "/srv/work-"+w.name
	url := "http://127.0.0.1:" + w.ports[0] + "/git/" + w.name + ".git"
	s.Run("git", "init", "--quiet", "--bare", "-b", "main", bare)
	s.Run("git", "-C", bare, "config", "http.receivepack", "true")
	s.Run("chown", "-R", "www-data:", "/srv/git")
	s.Run("git", "init", "--quiet", "-b", "main", work)
	data := make([]byte, 300_000)
	_, _ = rand.Read(data)
	require.NoError(s.t, os.WriteFile(s.Path(work+"/file"), data, 0o644))
	s.mustGit("-C", work, "add", "file")
	s.mustGit("-C", work, "commit", "-q", "-m", "one")
	s.mustGit("-C", work, "push", "-q", url, "main")
	assert.Equal(s.t, s.revision(work, "main"), s.revision(bare, "main"))
	s.mustGit("clone", "-q", url, work+"-clone")
	assert.Equal(s.t, s.revision(work, "main"), s.revision(work+"-clone", "main"))
}

// tryIdentity checks that only the web server defines the user, the scheme and the address.
func (s *site) tryIdentity(w webServer) {
	t := s.t
	t.Helper()
	forged := []string{"Remote-User", "evil", "Remote_User", "evil", "REMOTE_USER", "evil", "Https", "on", "HTTPS", "on", "Remote-Addr", "192.0.2.66", "Remote_Addr", "192.0.2.66",
		"X-Forwarded-User", "evil", "Request-Scheme", "https", "Auth-Type", "Basic", "Script-Name", "/evil", "Path-Info", "/evil", "Script_Name", "/evil", "Proxy", "http://evil", "Scgi", "2"}
	for _, mount := range []string{"", "/sub"} {
		v := s.variables("GET", mount+"/seen", nil, append(forged, "Authorization", "Basic ZXZpbDpldmls")...)
		assert.Empty(t, v["REMOTE_USER"]+v["AUTH_TYPE"]+v["HTTPS"]+v["HTTP_PROXY"], "%v", v)
		assert.Equal(t, [4]string{"127.0.0.1", mount, "/seen", "http"}, [4]string{v["REMOTE_ADDR"], v["SCRIPT_NAME"], v["PATH_INFO"], v["wsgi.url_scheme"]})

		s.at(w.ports[1])
		v = s.variables("GET", "https://localhost"+mount+"/seen", nil, forged...)
		assert.Equal(t, [3]string{"https", "on", ""}, [3]string{v["wsgi.url_scheme"], v["HTTPS"], v["REMOTE_USER"]})
		assert.Equal(t, "https://localhost:8443"+mount+"/", s.get("https://localhost:8443"+mount+"/away").Header.Get("Location"))

		s.at(w.ports[2])
		assert.Equal(t, 401, s.get(mount+"/seen").StatusCode)
		v = s.variables("GET", "http://me:secret@localhost"+mount+"/seen", nil, forged...)
		assert.Equal(t, "me", v["REMOTE_USER"])
		s.at(w.ports[0])
	}
}
