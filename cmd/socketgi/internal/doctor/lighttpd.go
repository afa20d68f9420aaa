package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

// lighttpdPasses returns the entries of scgi.server.
func lighttpdPasses(conf []*nginxconf.Directive) (all []pass) {
	nginxconf.Walk(conf, func(d *nginxconf.Directive) {
		if !strings.HasSuffix(d.Name, ".server") || d.Name == "proxy.server" {
			return
		}
		for _, url := range d.Block {
			for _, peer := range url.Block {
				p := pass{d: peer, scheme: strings.TrimSuffix(d.Name, ".server"), listen: setting(peer, "socket")}
				if p.listen == "" {
					if p.listen = setting(peer, "host") + ":" + setting(peer, "port"); strings.Count(p.listen, ":") > 1 {
						p.listen = "[" + setting(peer, "host") + "]:" + setting(peer, "port")
					}
				}
				p.known = strings.HasPrefix(url.Name, "/")
				p.prefix = strings.TrimRight(url.Name, "/")
				all = append(all, p)
			}
		}
	})
	return all
}

// setting returns the value of a key in a list.
func setting(list *nginxconf.Directive, key string) string {
	for _, d := range list.Block {
		if d.Name == key {
			return d.Arg(0)
		}
	}
	return ""
}

// conditions returns the conditions around a directive, the innermost first, with nil at the end for the
// whole server.
func conditions(d *nginxconf.Directive) (all []*nginxconf.Directive) {
	for ; d != nil; d = d.Up {
		if strings.HasPrefix(d.Name, "$") {
			all = append(all, d)
		}
	}
	return append(all, nil)
}

// optionOf returns the value of an option for a pass: from the conditions around it, from others for URLs
// above its prefix, or from the whole server.
func optionOf(conf []*nginxconf.Directive, p pass, name string) (value string) {
	around := conditions(p.d)
	nginxconf.Walk(conf, func(d *nginxconf.Directive) {
		if d.Name != name {
			return
		}
		if c := conditions(d)[0]; slices.Contains(around, c) || c.Name == `$HTTP["url"]` && strings.HasPrefix(p.prefix+"/", beginning(c)) {
			value = d.Arg(0)
		}
	})
	return value
}

// beginning returns the common prefix of all texts that match a condition.
func beginning(c *nginxconf.Directive) string {
	if c.Arg(0) == "=~" {
		return literal(c.Arg(1))
	}
	return c.Arg(1) // == or =^
}

// judgeLighttpd judges one pass.
func judgeLighttpd(w *front, app *host.Application, p pass, f *findings) {
	file, line, _ := w.written(`"` + app.Listen + `"`)
	at := fmt.Sprintf("%s:%d", file, line)
	// add returns a command that adds an option to the entry, after the socket in its file.
	add := func(option string) string {
		return w.edit(file, fmt.Sprintf(`%ds!"%s"!&, %s!`, line, app.Listen, option))
	}
	mend := func(one *Finding, command, by string) {
		if one.Mend = command; file == "" || command == "" {
			one.Mend, one.Do = "", by
		}
	}
	if file == "" {
		at = "lighttpd's scgi.server"
	}
	if p.scheme != "scgi" {
		f.fail("wrong-protocol", fmt.Sprintf("%s: %s.server passes requests to the application's socket", at, p.scheme), "it speaks SCGI, and refuses everything else with 400", "").Do =
			"use the output of: socketgi lighttpd " + app.Name
		return
	}
	loaded := false
	nginxconf.Walk(w.conf, func(d *nginxconf.Directive) {
		if d.Name == "server.modules" {
			loaded = loaded || slices.ContainsFunc(d.Block, func(m *nginxconf.Directive) bool { return m.Arg(0) == "mod_scgi" })
		}
	})
	if !loaded {
		one := f.fail("module-missing", at+": scgi.server needs mod_scgi, which lighttpd has not loaded", "lighttpd ignores it: the client gets 404", "")
		mend(one, w.edit(file, `1i server.modules += ( "mod_scgi" )`), `add server.modules += ( "mod_scgi" )`)
	}
	if setting(p.d, "check-local") != "disable" {
		one := f.fail("check-local", at+`: "check-local" => "disable" is missing`, "lighttpd looks for a file of that path first, and answers 404", "")
		mend(one, add(`"check-local" => "disable"`), `add "check-local" => "disable"`)
	}
	if p.known && p.prefix == "" && setting(p.d, "fix-root-scriptname") != "enable" {
		one := f.fail("script-name-wrong", at+`: "fix-root-scriptname" => "enable" is missing`, "the first part of each path is SCRIPT_NAME, and not of PATH_INFO: the application doesn't find its pages", "")
		mend(one, add(`"fix-root-scriptname" => "enable"`), `add "fix-root-scriptname" => "enable"`)
	}
	if p.known && p.prefix != "" && !slices.ContainsFunc(conditions(p.d), func(c *nginxconf.Directive) bool { return c != nil && c.Name == `$HTTP["url"]` }) {
		f.warn("prefix-of-others", fmt.Sprintf("%s: paths such as %s-other reach the application, too", at, p.prefix), "they are other paths than those below "+p.prefix+"/", "").Do =
			fmt.Sprintf(`put $HTTP["url"] =~ "^%s(/|$)" { } around it, as socketgi lighttpd %s prints`, p.prefix, app.Name)
	}
	if value := optionOf(w.conf, p, "server.stream-response-body"); value == "" || value == "0" {
		f.warn("response-held-back", at+": server.stream-response-body is not 1", "lighttpd buffers a response until its end, and 1.4.69 makes a truncated one look complete", "").Do =
			"add server.stream-response-body = 1, as socketgi lighttpd " + app.Name + " prints"
	}
	if value := optionOf(w.conf, p, "server.stream-request-body"); value != "" && value != "0" {
		f.note("request-streamed", at+": server.stream-request-body is "+value, "a request body is passed on while the client sends it; one that pauses for longer than --body-timeout gets 408", "").Do =
			"leave that out, or give the application a longer --body-timeout"
	}
}

// lighttpdPlaces returns the URLs of a pass.
func lighttpdPlaces(w *front, p pass) (all []place) {
	top := func(name, otherwise string) string {
		for _, d := range w.conf {
			if d.Name == name && d.Arg(0) != "" {
				otherwise = d.Arg(0)
			}
		}
		return otherwise
	}
	listen := top("server.bind", "") + ":" + top("server.port", "80")
	tls := top("ssl.engine", "disable") == "enable"
	one := place{front: w, host: "localhost", path: p.prefix + "/"}
	for _, c := range conditions(p.d) {
		switch {
		case c == nil:
		case c.Name == `$SERVER["socket"]` && c.Arg(0) == "==":
			listen = c.Arg(1)
			tls = setting(c, "ssl.engine") == "enable"
		case c.Name == `$HTTP["host"]` && c.Arg(0) == "==":
			one.host = c.Arg(1)
		case c.Name == `$HTTP["url"]` || c.Name == `$HTTP["scheme"]`:
		default:
			return nil // URLs under an unknown condition are unknown
		}
	}
	port := ""
	one.tls = tls
	one.network, one.address, port = dialable(listen)
	one.atPort(port)
	return append(all, one)
}
