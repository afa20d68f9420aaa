package doctor

import (
	"path"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// route is a directive in nginx's configuration that passes requests to an application.
type route struct {
	pass  *nginxconf.Directive // scgi_pass, or another ..._pass
	level *nginxconf.Directive // the block it is in: a location, or an if in one
}

// location returns the location around the route, nil for none.
func (r route) location() *nginxconf.Directive {
	if r.level.Name == "location" {
		return r.level
	}
	return r.level.In("location")
}

// passes are the directives that pass a request on.
var passes = []string{"scgi_pass", "fastcgi_pass", "uwsgi_pass", "proxy_pass", "grpc_pass"}

// routes finds the directives that pass requests to an address; unclear ones depend on variables.
func routes(conf []*nginxconf.Directive, listen string) (found, unclear []route) {
	upstreams := map[string][]string{}
	nginxconf.Walk(conf, func(d *nginxconf.Directive) {
		if d.Name == "upstream" {
			for _, server := range d.Block {
				if server.Name == "server" {
					upstreams[d.Arg(0)] = append(upstreams[d.Arg(0)], server.Arg(0))
				}
			}
		}
	})
	want := address(listen)
	nginxconf.Walk(conf, func(d *nginxconf.Directive) {
		if !slices.Contains(passes, d.Name) || d.Up == nil || d.In("http") == nil {
			return
		}
		if strings.Contains(d.Arg(0), "$") {
			unclear = append(unclear, route{d, d.Up})
			return
		}
		target := address(d.Arg(0))
		servers := upstreams[strings.TrimPrefix(target, "host ")]
		for i := range servers {
			servers[i] = address(servers[i])
		}
		for _, one := range append(servers[:len(servers):len(servers)], target) {
			if same(one, want) {
				found = append(found, route{d, d.Up})
				return
			}
		}
	})
	return found, unclear
}

// address normalizes an address: "unix PATH" or "host NAME:PORT".
func address(s string) string {
	if strings.HasPrefix(s, "unix ") || strings.HasPrefix(s, "host ") {
		return s
	}
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if name, ok := strings.CutPrefix(s, "unix:"); ok || strings.HasPrefix(s, "/") {
		name, _, _ = strings.Cut(name, ":") // a URI of proxy_pass follows
		name = path.Clean(name)
		if rest, ok := strings.CutPrefix(name, "/var/run/"); ok {
			name = "/run/" + rest
		}
		return "unix " + name
	}
	s, _, _ = strings.Cut(s, "/")
	return "host " + s
}

// same reports whether an upstream address is the listening one; localhost is both loopback addresses.
func same(peer, listens string) bool {
	if port, ok := strings.CutPrefix(peer, "host localhost:"); ok {
		return listens == "host 127.0.0.1:"+port || listens == "host [::1]:"+port
	}
	return peer == listens
}
