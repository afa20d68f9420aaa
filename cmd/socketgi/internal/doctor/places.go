package doctor

import (
	"net"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// place is a URL of the application, and the address where nginx listens for it.
type place struct {
	route route  // in nginx's configuration
	front *front // another web server, nil for nginx
	// network and address are for [net.Dial]: on this machine.
	network, address string
	tls              bool
	// host is the server's name in a request, with the port unless it is the scheme's default.
	host, path string
}

// server is the web server's name.
func (p place) server() string {
	if p.front != nil {
		return p.front.title
	}
	return "nginx"
}

func (p place) String() string {
	scheme := "http"
	if p.tls {
		scheme = "https"
	}
	return scheme + "://" + p.host + p.path
}

// places lists the URLs of a route, one for each address of the server.
func places(r route) (all []place) {
	server := r.level.In("server")
	l := r.location()
	if server == nil || l == nil || len(r.level.Here("internal")) > 0 {
		return nil
	}
	path, ok := pathOf(l)
	if !ok {
		return nil
	}
	listens := slices.DeleteFunc(slices.Clone(server.Block), func(d *nginxconf.Directive) bool { return d.Name != "listen" })
	if len(listens) == 0 {
		listens = []*nginxconf.Directive{{Name: "listen", Args: []string{"80"}}}
	}
	for _, d := range listens {
		if slices.Contains(d.Args, "quic") || slices.Contains(d.Args, "proxy_protocol") {
			continue
		}
		p := place{route: r, host: hostOf(server), path: path, tls: slices.Contains(d.Args, "ssl")}
		port := ""
		p.network, p.address, port = dialable(d.Arg(0))
		if port != "" && port != map[bool]string{true: "443", false: "80"}[p.tls] {
			p.host += ":" + port
		}
		if !slices.ContainsFunc(all, func(q place) bool { return q.host == p.host && q.tls == p.tls && q.network == p.network }) {
			all = append(all, p)
		}
	}
	return all
}

// pathOf returns a path that a location matches: for a prefix, its start page.
func pathOf(l *nginxconf.Directive) (string, bool) {
	switch prefix := l.Arg(len(l.Args) - 1); {
	case len(l.Args) == 1 && strings.HasPrefix(prefix, "@"):
		return "", false
	case len(l.Args) == 1 || l.Arg(0) == "^~":
		return strings.TrimRight(prefix, "/") + "/", true
	case l.Arg(0) == "=":
		return prefix, true
	}
	e := &example{}
	_, ok := e.choose(route{level: l}, "")
	return e.path, ok
}

// hostOf returns the first name of a server that is not a pattern.
func hostOf(server *nginxconf.Directive) string {
	for _, d := range server.Block {
		for _, name := range d.Args {
			if d.Name == "server_name" && name != "" && name != "_" && !strings.ContainsAny(name, "*~$") {
				return strings.TrimPrefix(name, ".")
			}
		}
	}
	return "localhost"
}

// dialable returns the address to connect to for a listen directive (ngx_http_core_module): for a
// wildcard, the loopback.
func dialable(listen string) (network, address, port string) {
	if path, ok := strings.CutPrefix(listen, "unix:"); ok {
		return "unix", path, ""
	}
	host, port, err := net.SplitHostPort(listen)
	switch {
	case err == nil:
	case strings.Trim(listen, "0123456789") == "":
		host, port = "", listen
	default:
		host, port = strings.Trim(listen, "[]"), "80"
	}
	switch host {
	case "", "*", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return "tcp", net.JoinHostPort(host, port), port
}

// firstServer returns the server block that nginx chooses for a place: the first with its name, else the
// default server of the address. Patterns are not considered.
func firstServer(conf []*nginxconf.Directive, p place) (found *nginxconf.Directive) {
	name, _, err := net.SplitHostPort(p.host)
	if err != nil {
		name = p.host
	}
	rank := 0
	nginxconf.Walk(conf, func(d *nginxconf.Directive) {
		if d.Name != "server" || d.Up == nil || d.Up.Name != "http" {
			return
		}
		listens, preferred, named := false, false, false
		for _, one := range d.Block {
			if one.Name == "listen" {
				if network, address, _ := dialable(one.Arg(0)); network == p.network && address == p.address {
					listens, preferred = true, slices.Contains(one.Args, "default_server")
				}
			}
			named = named || one.Name == "server_name" && slices.Contains(one.Args, name)
		}
		score := 1
		switch {
		case named:
			score = 3
		case preferred:
			score = 2
		}
		if listens && score > rank {
			found, rank = d, score
		}
	})
	if found == nil {
		return p.route.level.In("server")
	}
	return found
}
