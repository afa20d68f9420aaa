package inetd

import (
	"errors"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/internal/syntax"
)

// application renders e as an application, if it is a CGI program of scgi_run, or a Python script that
// uses inetd_scgi.
func (im *Importer) application(e *entry) (pair units.Pair, found bool, err error) {
	p, err := im.scgi(e)
	if err != nil || p.CGI == nil && p.Script == "" {
		return pair, false, err
	}
	if e.wait || e.kind != "stream" {
		return pair, false, cantError("an SCGI application must be stream and nowait")
	}
	name, program := e.label, p.Script
	if p.CGI != nil {
		program = p.CGI[0]
	}
	switch {
	case e.path != "":
		name = baseName(e.path)
	case strings.Trim(name, "0123456789") == "":
		name = baseName(program)
	}
	o := units.Options{Name: im.free(name), User: e.user, Listen: e.path, SystemdVersion: im.SystemdVersion}
	notes, err := im.Application(&o, p)
	if err != nil {
		return pair, false, err
	}
	im.take(o.Name)
	if e.path == "" {
		o.Listen = im.loopback(e)
	}
	o.App = syntax.OneLine(o.App)
	if e.max > 0 {
		e.inSocket("MaxConnections", strconv.Itoa(e.max))
	}
	e.notes = append(e.notes, notes...)
	pair, err = units.Render(o)
	return pair, true, err
}

// loopback returns the address of an application: peers could claim to be any user (see checkListen).
func (im *Importer) loopback(e *entry) string {
	port := e.addresses[0][strings.LastIndexByte(e.addresses[0], ':')+1:]
	listen := "127.0.0.1:" + port
	if slices.Contains(e.addresses, "[::1]:"+port) {
		listen = "[::1]:" + port
	}
	if len(e.addresses) > 1 || e.addresses[0] != listen {
		e.note("listens at %s only: a client that reaches an SCGI socket can claim to be any user", listen)
	}
	limits := func(s setting) bool { return strings.HasPrefix(s.key, "IPAddress") }
	if slices.ContainsFunc(e.socket, limits) {
		e.note("only_from and no_access: only this machine may connect")
	}
	e.socket = slices.DeleteFunc(e.socket, func(s setting) bool {
		return limits(s) || s.key == "FreeBind" || s.key == "BindIPv6Only"
	})
	return listen
}

// scgi returns the program of an SCGI line, the zero Program for others.
func (im *Importer) scgi(e *entry) (p Program, err error) {
	if im.Application == nil {
		return p, nil
	}
	if path.Base(e.program) == "scgi_run" {
		if len(e.argv) < 2 || !strings.HasPrefix(e.argv[1], "/") {
			return p, errors.New("scgi_run needs the absolute path of a CGI program")
		}
		return Program{CGI: e.argv[1:], Max: e.max}, nil
	}
	if im.Script == nil {
		return p, nil
	}
	script, rest := e.program, e.argv[1:]
	if python := strings.HasPrefix(path.Base(e.program), "python"); python {
		i := slices.IndexFunc(rest, func(s string) bool { return !strings.HasPrefix(s, "-") })
		if i < 0 || !strings.HasPrefix(rest[i], "/") || slices.Contains(rest[:i], "-m") || slices.Contains(rest[:i], "-c") {
			return p, nil
		}
		script, rest = rest[i], slices.Concat(rest[:i], rest[i+1:])
	}
	text, err := im.Script(script)
	if err != nil && (script != e.program || path.Ext(script) == ".py") {
		e.note("%s can't be read: if it uses inetd_scgi, run the import where it is readable", script)
	}
	if err != nil || !strings.Contains(text, "inetd_scgi") {
		return p, nil
	}
	if len(rest) > 0 {
		e.note("the script gets no arguments: %s", strings.Join(rest, " "))
	}
	return Program{Script: script, Max: e.max}, nil
}
