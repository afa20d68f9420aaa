package units

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"
)

// application renders an SCGI line, if e is one, for socketgi-adapter: that of a CGI
// program behind scgi_run, or of a Python script that uses inetd_scgi.
func (im *Importer) application(e *entry) (Pair, bool, error) {
	cgi, script, err := im.scgi(e)
	if err != nil || cgi == nil && script == "" {
		return Pair{}, false, err
	}
	if e.wait || e.kind != "stream" {
		return Pair{}, false, cantError("the adapter serves what is stream and nowait")
	}
	o := Options{User: e.user, Adapter: true, Listen: e.path, SystemdVersion: im.SystemdVersion}
	program := script
	if cgi != nil {
		program = cgi[0]
		adapter, err := im.Adapter()
		if err != nil {
			return Pair{}, false, err
		}
		o.Exec, o.App = []string{adapter}, strings.Join(cgi, " ")
		if e.max > 0 {
			o.Exec = append(o.Exec, "--concurrency", strconv.Itoa(e.max))
		}
		o.Exec = append(append(o.Exec, "--cgi"), cgi...)
	} else if err := im.WSGI(&o, script, e.max); err != nil {
		return Pair{}, false, err
	}
	name := e.label
	if e.path != "" {
		name = baseName(e.path)
	} else {
		if strings.Trim(name, "0123456789") == "" {
			name = baseName(program)
		}
		o.Listen = im.loopback(e)
	}
	o.Name, o.App = im.name(name), oneLine(o.App)
	if e.max > 0 {
		e.inSocket("MaxConnections", strconv.Itoa(e.max))
		e.note("--concurrency=%d holds the limit, too, and lets what comes wait: for that raise MaxConnections=", e.max)
	}
	e.note("runs by socketgi-adapter as an application: a request may take 60 s (--timeout)")
	pair, err := Render(o)
	return pair, true, err
}

// loopback returns where an application listens: whoever reaches its socket could
// claim to be any user (see checkListen).
func (im *Importer) loopback(e *entry) string {
	_, port, _ := cutLast(":"+e.addresses[0], ':')
	listen := "127.0.0.1:" + port
	if slices.Contains(e.addresses, "[::1]:"+port) {
		listen = "[::1]:" + port
	}
	if len(e.addresses) > 1 || e.addresses[0] != listen {
		e.note("listens at %s only: whoever reaches an SCGI socket can claim to be any user", listen)
	}
	limits := func(s setting) bool { return strings.HasPrefix(s.key, "IPAddress") }
	if slices.ContainsFunc(e.socket, limits) {
		e.note("only_from and no_access: nobody but this machine may connect")
	}
	e.socket = slices.DeleteFunc(e.socket, func(s setting) bool {
		return limits(s) || s.key == "FreeBind" || s.key == "BindIPv6Only"
	})
	return listen
}

// scgi returns the CGI program or the Python script behind an SCGI line.
func (im *Importer) scgi(e *entry) (cgi []string, script string, err error) {
	if path.Base(e.program) == "scgi_run" {
		if len(e.argv) < 2 || !strings.HasPrefix(e.argv[1], "/") {
			return nil, "", errors.New("scgi_run is not followed by the absolute path of a CGI program")
		}
		return e.argv[1:], "", nil
	}
	script, rest := e.program, e.argv[1:]
	if python := strings.HasPrefix(path.Base(e.program), "python"); python {
		i := slices.IndexFunc(rest, func(s string) bool { return !strings.HasPrefix(s, "-") })
		if i < 0 || !strings.HasPrefix(rest[i], "/") || slices.Contains(rest[:i], "-m") || slices.Contains(rest[:i], "-c") {
			return nil, "", nil
		}
		script, rest = rest[i], slices.Concat(rest[:i], rest[i+1:])
	}
	text, err := im.Script(script)
	if err != nil && (script != e.program || path.Ext(script) == ".py") {
		e.note("%s can't be read here: if it uses inetd_scgi, import it where it can", script)
	}
	if err != nil || !strings.Contains(text, "inetd_scgi") {
		return nil, "", nil
	}
	if len(rest) > 0 {
		e.note("the script gets no arguments: %s", strings.Join(rest, " "))
	}
	return nil, script, nil
}
