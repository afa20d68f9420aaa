package scgi

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestParamsWebServers has what Apache 2.4 and lighttpd 1.4 sent for URLs, by each way to write their
// configuration.
func TestParamsWebServers(t *testing.T) {
	apache := func(file, uri, script string, info ...string) []string {
		h := []string{"SERVER_SOFTWARE", "Apache/2.4.71 (Debian)", "DOCUMENT_ROOT", "/var/www/html", "PATH_TRANSLATED", "/etc/apache2/apache2.conf/x",
			"SCRIPT_FILENAME", "proxy:scgi://" + file, "REQUEST_URI", uri, "SCRIPT_NAME", script}
		for _, one := range info {
			h = append(h, "PATH_INFO", one)
		}
		return h
	}
	lighttpd := func(file, uri, script string, info ...string) []string {
		return append(apache("", uri, script, info...), "SERVER_SOFTWARE", "web", "SCRIPT_FILENAME", file)
	}
	const alias = "app.socketgi//etc/apache2/apache2.conf"
	for _, c := range []struct {
		mount        string
		header       []string
		script, info string
	}{
		{"/app", apache(alias, "/app", "/app"), "/app", ""},
		{"", apache(alias, "/app", "/app"), "/app", ""},
		{"", apache(alias, "/x/../app", "/app"), "/app", ""},
		{"/app", apache(alias, "/app/", "/app", "/"), "/app", "/"},
		{"/app", apache(alias, "/app/a%20b%2Fc?q", "/app", "/a b/c"), "/app", "/a b/c"},
		{"", apache(alias, "/a%20b", "", "/a b"), "", "/a b"},
		{"", apache(alias, "/app/apache2.conf", "/app", "/apache2.conf"), "/app", "/apache2.conf"},
		// ProxyPass /app unix:PATH|scgi://app/, ProxyPass /app/ ...|scgi://app/app/, and of all of the server
		{"/app", apache("app/", "/app", "/app"), "/app", ""},
		{"/app", apache("app//", "/app/", "/app/"), "/app", "/"},
		{"/app", apache("app//a%20b/c", "/app/a%20b/c", "/app/a b/c"), "/app", "/a b/c"},
		{"/app", apache("app/app/x", "/app/x", "/app/x"), "/app", "/x"},
		{"", apache("app/", "/", "/"), "", "/"},
		{"", apache("app/a/b", "/a/b", "/a/b"), "", "/a/b"},
		{"/other", apache("app/a/b", "/a/b", "/a/b"), "", "/a/b"},
		// SetEnvIf Request_URI . proxy-scgi-pathinfo
		{"/app", apache("app//a%20b/c", "/app/a%20b/c?q", "/app/a b", "//a%20b/c"), "/app", "/a b/c"},
		{"", apache("app/a%20b/c", "/a%20b/c", "/a b", "/a%20b/c"), "", "/a b/c"},

		{"/app", lighttpd("/var/www/html/app", "/app", "/app"), "/app", ""},
		{"", lighttpd("/var/www/html/app", "/app", "/app"), "/app", ""},
		{"/app", lighttpd("/var/www/html/app", "/app/a%20b", "/app", "/a b"), "/app", "/a b"},
		{"", lighttpd("/var/www/html/", "/a%20b/c", "", "/a b/c"), "", "/a b/c"},
		{"", lighttpd("/var/www/html/", "/", "/"), "", "/"},
		// another server, of which only that is known
		{"/app", []string{"SCRIPT_NAME", "/app/x"}, "/app", "/x"},
		{"/app", []string{"SCRIPT_NAME", "/app", "REQUEST_URI", "/app/x"}, "/app", "/x"},
		{"/app", []string{"SCRIPT_NAME", "/apple", "REQUEST_URI", "/apple"}, "/apple", ""},
	} {
		m := paramsOf(t, c.mount, c.header...)
		assert.Equal(t, [2]string{c.script, c.info}, [2]string{m["SCRIPT_NAME"], m["PATH_INFO"]}, "%q %v", c.mount, c.header)
		assert.NotContains(t, m, "SCRIPT_FILENAME", "%v", c.header)
	}
	assert.NotContains(t, paramsOf(t, "", apache(alias, "/x", "", "/x")...), "PATH_TRANSLATED")
	assert.Contains(t, paramsOf(t, "", lighttpd("/var/www/html/", "/x", "", "/x")...), "PATH_TRANSLATED")

	// Variables that an operator sets are used.
	for _, file := range []string{"/srv/cgi/x.cgi", "/var/www/html/other.cgi"} {
		assert.Equal(t, file, paramsOf(t, "", "SCRIPT_FILENAME", file, "DOCUMENT_ROOT", "/var/www/html", "SCRIPT_NAME", "/x.cgi")["SCRIPT_FILENAME"])
	}
	nginx := paramsOf(t, "", "DOCUMENT_URI", "/x.cgi", "SCRIPT_FILENAME", "/var/www/html/x.cgi", "DOCUMENT_ROOT", "/var/www/html", "SCRIPT_NAME", "/x.cgi")
	assert.Equal(t, "/var/www/html/x.cgi", nginx["SCRIPT_FILENAME"])
}

func TestParamsCookies(t *testing.T) {
	const apache = "proxy:scgi://app/"
	for _, c := range [][3]string{
		{apache, "a=1, b=2, c=3", "a=1; b=2; c=3"},
		{apache, "a=1; b=2, c=3", "a=1; b=2; c=3"},
		{apache, "a=1, 2, b", "a=1, 2, b"},
		{apache, "a=1,b=2", "a=1,b=2"},
		{apache, "", ""},
		{"/srv/x", "a=1, b=2", "a=1, b=2"},
	} {
		assert.Equal(t, c[2], paramsOf(t, "", "SCRIPT_FILENAME", c[0], "HTTP_COOKIE", c[1])["HTTP_COOKIE"], "%v", c)
	}
}
