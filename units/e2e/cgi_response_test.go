package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCGIResponses has programs send every kind of response in RFC 3875, 6.2.
func TestCGIResponses(t *testing.T) {
	s := newSite(t)
	for path, text := range map[string]string{
		"plain":       `printf 'Content-Type: text/plain\n\nhello\n'`,
		"crlf":        `printf 'Content-type: text/plain\r\nX-Two: 2\r\n\r\nhello\r\n'`,
		"status":      `printf 'Status: 418 Short and stout\nContent-Type: text/plain\n\nteapot\n'`,
		"length":      `printf 'Content-Type: text/plain\nContent-Length: 3\n\nabcdef'`,
		"empty":       `printf 'Status: 204 No Content\n\n'`,
		"cookies":     `printf 'Content-Type: text/plain\nSet-Cookie: a=1\nSet-Cookie: b=2\n\n'`,
		"away":        `printf 'Location: https://example.com/x?y=z\n\n'`,
		"moved":       `printf 'Status: 301 Moved Permanently\nLocation: /elsewhere\n\n'`,
		"local":       `printf 'Location: %s/shown/by%%20way?of=local\n\n' "${SCRIPT_NAME%/*}"`,
		"shown":       `printf 'Content-Type: text/plain\n\n%s %s %s' "$REQUEST_METHOD" "$PATH_INFO" "$QUERY_STRING"`,
		"nph-plain":   `printf 'HTTP/1.1 201 Made\r\nContent-Type: text/plain\r\n\r\nwhole\n'`,
		"status-line": `printf 'HTTP/1.0 202 Taken\nContent-Type: text/plain\n\nfine\n'`,
		"long-head":   `printf 'Content-Type: text/plain\nX-Long: %020000d\n\n' 1`,
		"failed":      `printf 'Content-Type: text/plain\n\nall of it\n'; exit 3`,
		"large":       `printf 'Content-Type: application/octet-stream\n\n'; head -c 5000000 /dev/zero`,
		"early":       `printf 'Content-Type: text/plain\nX-Accel-Buffering: no\n\nfirst\n'; until [ -e /srv/open/gate ]; do sleep 0.01; done; echo second`,
		"echo":        `printf 'Content-Type: application/octet-stream\n\n'; cat`,
		"sub/deep":    `printf 'Content-Type: text/plain\n\n%s|%s|%s' "$SCRIPT_NAME" "$PATH_INFO" "$(pwd)"`,
		"early-end":   `printf 'Content-Type: text/plain\nContent-Length: 3\n\nend'; exec sleep 0.2`,
	} {
		s.script("/srv/cgi/"+path, text)
	}
	require.NoError(t, os.Symlink("/srv/cgi/plain", s.Path("/srv/cgi/sub/link")))
	require.NoError(t, os.Symlink("cgi", s.Path("/srv/linked")))
	for mode, root := range map[string]string{"yes": "/srv/cgi", "no": "/srv/linked"} {
		t.Run(mode, func(t *testing.T) {
			p := program{name: mode, accept: mode, flags: []string{"--user", "www-data"}, run: []string{"--cgi-root", root}}
			s.serveCGI(p)
			get := func(path string, header ...string) reply {
				got := s.get("/"+mode+"/"+path, header...)
				assert.NoError(t, got.err, path)
				return got
			}
			for path, want := range map[string]string{
				"plain":       "200 OK hello\n",
				"sub/link":    "200 OK hello\n",
				"crlf":        "200 OK hello\r\n",
				"status":      "418 Short and stout teapot\n",
				"length":      "200 OK abc",
				"empty":       "204 No Content ",
				"local":       "200 OK GET /by way of=local",
				"nph-plain":   "201 Made whole\n",
				"status-line": "202 Taken fine\n",
				"failed":      "200 OK all of it\n",
				"early-end":   "200 OK end",
				"sub/deep/er": "200 OK /" + mode + "/sub/deep|/er|/srv/cgi/sub",
			} {
				got := get(path)
				assert.Equal(t, want, got.Status+" "+got.body, path)
			}
			assert.Equal(t, []string{"a=1", "b=2"}, get("cookies").Header.Values("Set-Cookie"))
			assert.Len(t, get("long-head").Header.Get("X-Long"), 20000)
			assert.Equal(t, strings.Repeat("\x00", 5000000), get("large").body)
			record := s.logged(p.units(), map[string]string{"SOCKETGI_PATH": "/" + mode + "/large"})
			assert.Equal(t, "5000000", record["SOCKETGI_BYTES"])
			assert.Contains(t, s.logged(p.units(), map[string]string{"SOCKETGI_PATH": "/" + mode + "/failed"})["MESSAGE"], ", exit status 3")

			got := get("away")
			assert.Equal(t, "302 https://example.com/x?y=z", fmt.Sprint(got.StatusCode, " ", got.Header.Get("Location")))
			got = get("moved", "Host", "localhost:8443")
			assert.Equal(t, "301", fmt.Sprint(got.StatusCode))
			assert.Contains(t, got.Header.Get("Location"), "/elsewhere")

			// A POST is redirected internally to a GET (RFC 3875, 6.2.2).
			got = s.do("POST", "/"+mode+"/local", strings.NewReader("body"))
			assert.Equal(t, "GET /by way of=local", got.body)

			// One program ignores the body, and another responds while it reads.
			body := strings.Repeat("0123456789abcdef", 3<<20/16)
			assert.Equal(t, "hello\n", s.do("POST", "/"+mode+"/plain", strings.NewReader(body)).body)
			assert.True(t, body == s.do("POST", "/"+mode+"/echo", strings.NewReader(body)).body, "all comes back")

			got = s.do("HEAD", "/"+mode+"/length", nil)
			assert.Equal(t, "200 3", fmt.Sprint(got.StatusCode, " ", got.ContentLength))
			got = s.do("HEAD", "/"+mode+"/large", nil)
			assert.Equal(t, 200, got.StatusCode)

			resp, err := s.client.Get("http://localhost/" + mode + "/early")
			require.NoError(t, err)
			defer resp.Body.Close()
			part := make([]byte, 100)
			n, err := resp.Body.Read(part)
			require.NoError(t, err)
			assert.Equal(t, "first\n", string(part[:n]), "what is written leaves before the end")
			s.Write("/srv/open/gate", "")
			n, _ = resp.Body.Read(part)
			assert.Equal(t, "second\n", string(part[:n]))
			s.Run("rm", "/srv/open/gate")
			s.noneLeft(p)
		})
	}
}

// TestCGILocations serves a directory by locations that were written for fcgiwrap, after a change of three
// words.
func TestCGILocations(t *testing.T) {
	s := newSite(t)
	s.Install(filepath.Join("testdata", "cgi", "env.sh"), "/usr/lib/cgi-bin/tools/env.sh", 0o755)
	p := program{name: "yes", flags: []string{"--user", "www-data"}, run: []string{"--cgi-root", "/usr/lib/cgi-bin"}}
	s.serveCGI(p)
	for name, c := range map[string]struct{ location, pathInfo string }{
		"file name": {`location /cgi-bin/ {
			include scgi_params;
			scgi_param SCRIPT_FILENAME /usr/lib$fastcgi_script_name;
			scgi_pass unix:/run/socketgi/yes.sock;
		}`, ""},
		"document root": {`location /cgi-bin/ {
			gzip off;
			root /usr/lib;
			include scgi_params;
			scgi_pass unix:/run/socketgi/yes.sock;
		}`, "/more/path"},
		"all that fastcgi_params says": {`location ~ ^/cgi-bin/.*\.sh {
			root /usr/lib;
			fastcgi_split_path_info ^(.+?\.sh)(.*)$;
			include scgi_params;
			scgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
			scgi_param SCRIPT_NAME $fastcgi_script_name;
			scgi_param PATH_INFO $fastcgi_path_info;
			scgi_pass unix:/run/socketgi/yes.sock;
		}`, "/more/path"},
		"split": {`location ~ ^/cgi-bin/ {
			fastcgi_split_path_info ^(/cgi-bin/.+?\.sh)(.*)$;
			include scgi_params;
			scgi_param SCRIPT_FILENAME /usr/lib$fastcgi_script_name;
			scgi_param PATH_INFO $fastcgi_path_info;
			scgi_pass unix:/run/socketgi/yes.sock;
		}`, "/more/path"},
		"alias of another name": {`location /tools/ {
			include scgi_params;
			scgi_param SCRIPT_FILENAME /usr/lib/cgi-bin$fastcgi_script_name;
			scgi_pass unix:/run/socketgi/yes.sock;
		}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s.Write("/etc/nginx/apps/yes.conf", c.location)
			s.restartNginx()
			script := "/cgi-bin/tools/env.sh"
			if strings.HasPrefix(c.location, "location /tools/") {
				script = "/tools/env.sh"
			}
			for _, info := range []string{"", c.pathInfo} {
				got := s.get(script + info + "?a=b")
				require.Equal(t, 200, got.StatusCode, got.body)
				vars := variables(got.body)
				assert.Equal(t, script, vars["SCRIPT_NAME"])
				assert.Equal(t, info, vars["PATH_INFO"])
				assert.Equal(t, "a=b", vars["QUERY_STRING"])
				assert.Equal(t, "/usr/lib/cgi-bin/tools/env.sh", vars["SCRIPT_FILENAME"])
				assert.Contains(t, got.body, "cwd /usr/lib/cgi-bin/tools\n")
			}
		})
	}
	// $remote_user is the client's claim unless nginx checks the password.
	s.Write("/etc/nginx/users", "alice:{PLAIN}secret\n")
	s.Write("/etc/nginx/apps/yes.conf", `location /cgi-bin/ {
		auth_basic "Members only";
		auth_basic_user_file /etc/nginx/users;
		root /usr/lib;
		include scgi_params;
		scgi_param REMOTE_USER $remote_user;
		scgi_pass unix:/run/socketgi/yes.sock;
	}`)
	s.restartNginx()
	assert.Equal(t, 401, s.get("/cgi-bin/tools/env.sh").StatusCode)
	vars := variables(s.get("/cgi-bin/tools/env.sh", "Authorization", "Basic YWxpY2U6c2VjcmV0").body)
	assert.Equal(t, "alice by Basic", vars["REMOTE_USER"]+" by "+vars["AUTH_TYPE"])
	s.noneLeft(p)
}
