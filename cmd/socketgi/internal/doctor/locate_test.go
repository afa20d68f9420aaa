package doctor

import (
	"strings"
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLocate has the choices of nginx 1.22 (ngx_http_core_find_location).
func TestLocate(t *testing.T) {
	for _, c := range []struct{ locations, path, want string }{
		{"location / {} location /a {}", "/a/b", "/a"},
		{"location /a {} location /a/ {}", "/a/b", "/a/"},
		{"location /a {} location = /a {}", "/a", "= /a"},
		{"location /a {} location = /a {}", "/a/", "/a"},
		{"location /a/ {} location ~ b$ {} location ~ ^/a {}", "/a/b", "~ b$"},
		{"location ^~ /a/ {} location ~ ^/a {}", "/a/b", "^~ /a/"},
		{"location ^~ /a {} location /a/b {} location ~ ^/a {}", "/a/b", "~ ^/a"},
		{"location = /a {} location ~ ^/a {}", "/a", "= /a"},
		{"location ~* ^/A {} location / {}", "/a", "~* ^/A"},
		{"location ~ ^/A {} location / {}", "/a", "/"},
		{"location /a { location /a/b {} }", "/a/b", "/a/b"},
		{"location /a { location ~ b$ {} } location ~ ^/a {}", "/a/b", "~ b$"},
		{"location ^~ /a { location /a/b {} } location ~ ^/a {}", "/a/b", "/a/b"},
		{"location ~ ^/a { location ~ b$ {} }", "/a/b", "~ b$"},
		{"location @a {} location /b {}", "/a", ""},
	} {
		conf, err := nginxconf.Parse("# configuration file /none/nginx.conf:\nhttp { server { " + c.locations + " } }\n")
		require.NoError(t, err)
		got := ""
		if l := locate(conf[0].Block[0].Block, c.path); l != nil {
			got = strings.Join(l.Args, " ")
		}
		assert.Equal(t, c.want, got, "%s in %s", c.path, c.locations)
	}
}

// TestPlaces finds the URLs of an application.
func TestPlaces(t *testing.T) {
	for server, want := range map[string][]string{
		"location / { scgi_pass pool; }":                                                                                            {"http://localhost/ tcp 127.0.0.1:80"},
		"listen 8080; server_name _ *.example.org ~x; location /a { scgi_pass pool; }":                                              {"http://localhost:8080/a/ tcp 127.0.0.1:8080"},
		"listen [::]:443 ssl; listen 443 ssl; server_name example.org; location = /a { scgi_pass pool; }":                           {"https://example.org/a tcp [::1]:443"},
		"listen unix:/run/web.sock; listen 192.0.2.1 default_server; server_name .example.org; location ^~ /a/ { scgi_pass pool; }": {"http://example.org/a/ unix /run/web.sock", "http://example.org/a/ tcp 192.0.2.1:80"},
		"listen 80 proxy_protocol; location / { scgi_pass pool; }":                                                                  nil,
		"location /a { internal; scgi_pass pool; }":                                                                                 nil,
		"location @a { scgi_pass pool; }":                                                                                           nil,
		`location ~ ^/cgi-bin/ { scgi_pass pool; }`:                                                                                 {"http://localhost/cgi-bin/example tcp 127.0.0.1:80"},
	} {
		found, _ := routes(webWith(t, version{}, server).conf, "/run/socketgi/app.sock")
		require.Len(t, found, 1, server)
		var got []string
		for _, p := range places(found[0]) {
			got = append(got, p.String()+" "+p.network+" "+p.address)
		}
		assert.Equal(t, want, got, server)
	}
}

// TestFirstServer finds the server block that nginx chooses.
func TestFirstServer(t *testing.T) {
	for server, want := range map[string]int{
		"listen 80; server_name a;}\nserver { listen 80; server_name a; location / { scgi_pass pool; }": 0,
		"listen 81; server_name a;}\nserver { listen 80; server_name a; location / { scgi_pass pool; }": 1,
		"listen 80; server_name b;}\nserver { listen 80; server_name a; location / { scgi_pass pool; }": 1,
		"listen 80;}\nserver { listen 80; location / { scgi_pass pool; }":                               0,
		"listen 80;}\nserver { listen 80 default_server; location / { scgi_pass pool; }":                1,
	} {
		conf := webWith(t, version{}, server).conf
		found, _ := routes(conf, "/run/socketgi/app.sock")
		require.Len(t, found, 1, server)
		var servers []*nginxconf.Directive
		nginxconf.Walk(conf, func(d *nginxconf.Directive) {
			if d.Name == "server" && len(d.Block) > 0 {
				servers = append(servers, d)
			}
		})
		assert.Equal(t, servers[want], firstServer(conf, places(found[0])[0]), server)
	}
}
