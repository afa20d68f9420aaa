package doctor

import (
	"context"
	"fmt"
	"net"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// apachePasses returns the SetHandler "proxy:..." and ProxyPass directives.
func apachePasses(conf []*nginxconf.Directive) (all []pass) {
	nginxconf.Walk(conf, func(d *nginxconf.Directive) {
		target := ""
		switch strings.ToLower(d.Name) {
		case "sethandler":
			target, _ = strings.CutPrefix(d.Arg(0), "proxy:")
		case "proxypass", "proxypassmatch":
			if i := slices.IndexFunc(d.Args, func(arg string) bool { return strings.Contains(arg, "://") }); i >= 0 {
				target = d.Args[i]
			}
		}
		scheme, rest, ok := strings.Cut(target, "://")
		if !ok {
			return
		}
		p := pass{d: d, scheme: scheme}
		p.name, _, _ = strings.Cut(rest, "/")
		p.worker = strings.TrimRight(rest, "/")
		p.listen = p.name
		if socket, behind, ok := strings.Cut(scheme, "|"); ok {
			p.listen, p.scheme = strings.TrimPrefix(socket, "unix:"), behind
		}
		p.locate(conf)
		all = append(all, p)
	})
	return all
}

// locate determines the URLs of a pass.
func (p *pass) locate(conf []*nginxconf.Directive) {
	url, pattern := "", ""
	files, dir := p.d.In("Files"), p.d.In("Directory")
	switch {
	case p.d.In("Location") != nil:
		url = p.d.In("Location").Arg(0)
	case p.d.In("LocationMatch") != nil:
		pattern = p.d.In("LocationMatch").Arg(0)
	case strings.EqualFold(p.d.Name, "ProxyPass"):
		url = p.d.Arg(0)
	case strings.EqualFold(p.d.Name, "ProxyPassMatch"):
		pattern = p.d.Arg(0)
	case files != nil && dir != nil:
		file := path.Join(dir.Arg(0), files.Arg(0))
		nginxconf.Walk(conf, func(d *nginxconf.Directive) {
			if (d.Name == "Alias" || d.Name == "AliasMatch") && p.alias == nil && strings.TrimSuffix(d.Arg(1), "$1") == file {
				p.alias = d
			}
		})
		switch {
		case p.alias == nil:
			return
		case p.alias.Name == "Alias":
			url = p.alias.Arg(0)
		default:
			pattern = p.alias.Arg(0)
		}
	default:
		return
	}
	if p.known = true; pattern != "" {
		url = literal(pattern)
		p.known = url != "" || pattern == "^(/.*)?$" || pattern == "^/"
	}
	p.prefix = strings.TrimRight(url, "/")
}

// judgeApache judges one pass.
func judgeApache(ctx context.Context, w *front, app *host.Application, p pass, f *findings) {
	place := p.d.Place()
	on := func(script string, args ...any) string { return w.edit(p.d.File, fmt.Sprintf(script, args...)) }
	if p.scheme != "scgi" {
		f.fail("wrong-protocol", fmt.Sprintf("%s: %s passes requests to the application's socket by %s", place, p.d.Name, p.scheme),
			"it speaks SCGI, and refuses everything else with 400", on(`%ds!\b%s://!scgi://!`, p.d.Line, p.scheme))
		return
	}
	if missing := slices.DeleteFunc([]string{"proxy", "proxy_scgi", "alias", "env"}, func(name string) bool { return slices.Contains(w.modules, name+"_module") }); len(missing) > 0 {
		one := f.fail("module-missing", fmt.Sprintf("%s needs the modules %s, which Apache has not loaded", place, strings.Join(missing, " and ")), "the client gets 404", "")
		if one.Do = "load them (LoadModule), then: systemctl restart " + w.unit; w.dir == "/etc/apache2" {
			one.Mend, one.Do = "a2enmod -q "+strings.Join(missing, " ")+" && systemctl restart "+w.unit, ""
		}
	}
	for _, other := range w.passes(ctx) {
		if other.worker == p.worker && other.scheme == p.scheme && address(other.listen) != address(p.listen) {
			f.fail("worker-name-repeated", fmt.Sprintf("%s: scgi://%s is the name of another socket, too: %s at %s", place, p.worker, other.listen, other.d.Place()),
				"Apache distinguishes sockets by that name: requests reach the wrong application", on(`%ds!|scgi://%s\b!|scgi://%s.socketgi!`, p.d.Line, p.name, app.Name))
			break
		}
	}
	judgeAlias(w, app, p, f)
	trusts := false
	for _, name := range []string{"SetEnv", "SetEnvIf", "SetEnvIfNoCase"} {
		nginxconf.Walk(w.conf, func(d *nginxconf.Directive) {
			trusts = trusts || d.Name == name && slices.ContainsFunc(d.Args, func(arg string) bool { return strings.HasPrefix(arg, "ap_trust_cgilike_cl") }) && p.within(d.Up)
		})
	}
	if !trusts {
		// SetEnv is inserted before SetHandler, in the same section; ProxyPass can be in no section.
		f.warn("content-length-dropped", place+": ap_trust_cgilike_cl is not set", "Apache leaves Content-Length out of responses to HEAD and of large ones: downloads show no progress",
			on(`%ds!^\s*!&SetEnv ap_trust_cgilike_cl 1\n&!`, p.d.Line))
	}
	if wait := p.timeout(w.conf); app.UsesAdapter() {
		if takes, queue := longest(app); takes > 0 && float64(wait) <= (takes+queue).Seconds() {
			f.warn("read-timeout", fmt.Sprintf("%s: Apache waits %d seconds, and a request may wait %v and take %v", place, wait, queue, takes),
				"Apache answers 504 before the application's own 503 or 504, and the log has another reason", "").Do =
				fmt.Sprintf("set ProxySet timeout=%d for it, as in: socketgi apache %s", int((takes+queue).Seconds())+15, app.Name)
		}
	}
}

// judgeAlias checks that the application receives the right SCRIPT_NAME and PATH_INFO.
func judgeAlias(w *front, app *host.Application, p pass, f *findings) {
	files, dir := p.d.In("Files"), p.d.In("Directory")
	switch {
	case strings.HasPrefix(p.d.Name, "ProxyPass") && p.known && p.prefix != strings.TrimRight(app.Mount(), "/"):
		f.fail("script-name-wrong", fmt.Sprintf("%s: ProxyPass sends the whole path as SCRIPT_NAME, and the units don't have %s as --mount", p.d.Place(), p.prefix),
			"its links omit that prefix, and its routes must include it", "").Do = "use the output of: socketgi apache " + app.Name + " --mount " + p.prefix
	case files == nil || dir == nil:
	case p.alias == nil:
		f.fail("alias-missing", fmt.Sprintf("%s is of the file %s, and no Alias leads there", p.d.Place(), path.Join(dir.Arg(0), files.Arg(0))), "no request reaches the application", "").Do =
			"use the output of: socketgi apache " + app.Name
	default:
		file := strings.TrimSuffix(p.alias.Arg(1), "$1")
		if info, err := os.Stat(file); err != nil || !info.Mode().IsRegular() {
			f.fail("alias-file-missing", fmt.Sprintf("%s: there is no file %s", p.alias.Place(), file), "Apache answers 404", "").Do = "name an existing file: use the output of: socketgi apache " + app.Name
		}
	}
}

// within reports whether directives in a section apply to the pass.
func (p pass) within(section *nginxconf.Directive) bool {
	if section == nil || section == p.d.Up {
		return true
	}
	for up := p.d.Up; up != nil; up = up.Up {
		if up == section {
			return true
		}
	}
	same := func(kind string) bool { // a section of the same kind with the same arguments
		mine := p.d.In(kind)
		return section.Name == kind && (mine != nil && slices.Equal(mine.Args, section.Args) || p.known && (section.Arg(0) == p.prefix || section.Arg(0) == "/"))
	}
	return same("Location") || same("LocationMatch") || same("Files")
}

// timeout returns Apache's timeout in seconds.
func (p pass) timeout(conf []*nginxconf.Directive) int {
	wait, rank := 60, 0
	set := func(value string, level int) {
		if n, err := strconv.Atoi(value); err == nil && level >= rank {
			wait, rank = n, level
		}
	}
	nginxconf.Walk(conf, func(d *nginxconf.Directive) {
		switch d.Name {
		case "Timeout":
			set(d.Arg(0), 1)
		case "ProxyTimeout":
			set(d.Arg(0), 2)
		case "ProxySet":
			if proxy := d.In("Proxy"); proxy != nil && strings.Contains(proxy.Arg(0), "://"+p.name) {
				for _, arg := range d.Args {
					if value, ok := strings.CutPrefix(arg, "timeout="); ok {
						set(value, 3)
					}
				}
			}
		}
	})
	for _, arg := range p.d.Args {
		if value, ok := strings.CutPrefix(arg, "timeout="); ok {
			set(value, 4)
		}
	}
	return wait
}

// apachePlaces returns the URLs of a pass, one for each port.
func apachePlaces(w *front, p pass) (all []place) {
	own := p.d.In("VirtualHost")
	if own == nil && p.alias != nil {
		own = p.alias.In("VirtualHost")
	}
	var hosts, listens []*nginxconf.Directive
	nginxconf.Walk(w.conf, func(d *nginxconf.Directive) {
		if d.Name == "VirtualHost" && (own == nil || own == d) {
			hosts = append(hosts, d)
		}
		if d.Name == "Listen" {
			listens = append(listens, d)
		}
	})
	for _, l := range listens {
		network, address, port := dialable(l.Arg(0))
		one := place{front: w, network: network, address: address, host: "localhost", path: p.prefix + "/", tls: l.Arg(1) == "https"}
		i := slices.IndexFunc(hosts, func(h *nginxconf.Directive) bool {
			return slices.ContainsFunc(h.Args, func(arg string) bool {
				_, its, err := net.SplitHostPort(arg)
				return err != nil || its == port || its == "*"
			})
		})
		if i < 0 && len(hosts) > 0 {
			continue
		}
		if i >= 0 {
			one.tls = one.tls || strings.EqualFold(hosts[i].Value("SSLEngine", "off"), "on")
			if name := hosts[i].Value("ServerName", ""); name != "" {
				one.host, _, _ = strings.Cut(strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "http://"), ":")
			}
		}
		one.atPort(port)
		all = append(all, one)
	}
	return all
}

// atPort adds the port to the host unless it is the scheme's default.
func (p *place) atPort(port string) {
	if port != map[bool]string{true: "443", false: "80"}[p.tls] {
		p.host += ":" + port
	}
}
