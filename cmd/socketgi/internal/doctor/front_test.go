package doctor

import (
	"testing"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// block returns a directive with a block.
func block(name string, args []string, inner ...*nginxconf.Directive) *nginxconf.Directive {
	d := &nginxconf.Directive{Name: name, Args: args, Block: inner}
	for _, one := range inner {
		one.Up = d
	}
	return d
}

func line(name string, args ...string) *nginxconf.Directive { return block(name, args) }

func ids(f findings) (all []string) {
	for _, one := range f {
		all = append(all, one.ID)
	}
	return all
}

// examined returns an application as the doctor reads it from units.
func examined(timeout time.Duration) *host.Application {
	app := &host.Application{Name: "app", Listen: "/run/app.sock"}
	app.Adapter.Timeout = timeout
	return app
}

func TestApachePasses(t *testing.T) {
	conf := []*nginxconf.Directive{
		line("Listen", "80"), line("Listen", "127.0.0.1:443"), line("Timeout", "300"),
		line("ProxyPassMatch", "^/match/(.*)", "scgi://127.0.0.1:9000/"),
		block("Location", []string{"/in/"}, line("ProxyPass", "unix:/run/in.sock|scgi://in/", "timeout=9")),
		block("LocationMatch", []string{"^/odd(/|$)"}, line("SetHandler", "proxy:unix:/run/odd.sock|fcgi://odd/")),
		block("Proxy", []string{"unix:/run/root.sock|scgi://root.socketgi/"}, line("ProxySet", "timeout=7")),
		block("VirtualHost", []string{"*:443"}, line("ServerName", "https://example.org:443"), line("SSLEngine", "on"),
			line("AliasMatch", "^(/.*)?$", "/etc/x.socket$1"),
			block("Directory", []string{"/etc/"}, block("Files", []string{"x.socket"}, line("SetHandler", "proxy:unix:/run/root.sock|scgi://root.socketgi/")))),
	}
	found := map[string]pass{}
	for _, p := range apachePasses(conf) {
		found[p.listen] = p
	}
	require.Len(t, found, 4)
	for listen, want := range map[string]pass{
		"127.0.0.1:9000": {scheme: "scgi", name: "127.0.0.1:9000", prefix: "/match", known: true},
		"/run/in.sock":   {scheme: "scgi", name: "in", prefix: "/in", known: true},
		"/run/odd.sock":  {scheme: "fcgi", name: "odd", prefix: "/odd", known: true},
		"/run/root.sock": {scheme: "scgi", name: "root.socketgi", prefix: "", known: true},
	} {
		got := found[listen]
		assert.Equal(t, want, pass{scheme: got.scheme, name: got.name, prefix: got.prefix, known: got.known}, listen)
	}
	assert.Equal(t, 9, found["/run/in.sock"].timeout(conf))
	assert.Equal(t, 7, found["/run/root.sock"].timeout(conf))
	assert.Equal(t, 300, found["127.0.0.1:9000"].timeout(conf))

	w := &front{title: "Apache", conf: conf}
	var urls []string
	for _, p := range apachePlaces(w, found["/run/root.sock"]) {
		urls = append(urls, p.String()+" at "+p.address)
	}
	assert.Equal(t, []string{"https://example.org/ at 127.0.0.1:443"}, urls, "the virtual host's port alone")
}

func TestLighttpdPasses(t *testing.T) {
	socket := block("", nil, line("socket", "/run/app.sock"), line("check-local", "disable"))
	conf := []*nginxconf.Directive{
		line("server.port", "8080"), line("server.stream-request-body", "1"),
		block("server.modules", nil, line("", "mod_scgi")),
		block(`$HTTP["host"]`, []string{"==", "example.org"}, block("scgi.server", nil, block("/", nil, socket))),
		block("scgi.server", nil, block("/six", nil, block("", nil, line("host", "::1"), line("port", "9000")))),
	}
	w := &front{name: "lighttpd", title: "lighttpd", conf: conf, dir: t.TempDir()}
	all := lighttpdPasses(conf)
	require.Len(t, all, 2)
	assert.Equal(t, "[::1]:9000", all[1].listen)
	assert.Equal(t, "/run/app.sock", all[0].listen)
	places := lighttpdPlaces(w, all[0])
	require.Len(t, places, 1)
	assert.Equal(t, "http://example.org:8080/ at 127.0.0.1:8080", places[0].String()+" at "+places[0].address)

	var f findings
	judgeLighttpd(w, examined(time.Minute), all[0], &f)
	assert.Equal(t, []string{"script-name-wrong", "response-held-back", "request-streamed"}, ids(f))
	for _, one := range f {
		assert.Empty(t, one.Mend, "no file has it")
		assert.NotEmpty(t, one.Do)
	}
}
