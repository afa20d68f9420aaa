package scgi

import "strings"

// This file has what a web server sends otherwise than the others, each with its reason. The shape of the
// variables tells which one it is: what it calls itself (SERVER_SOFTWARE) is its operator's to
// choose, by Apache's ServerTokens or lighttpd's server.tag.
//
//	server            sends                                  and so
//	Apache            SCRIPT_FILENAME=proxy:scgi://...,      both are left out: they name no file of the
//	                  and PATH_TRANSLATED behind it          application
//	Apache            two headers Cookie as "a=1, b=2"       it is made "a=1; b=2" (RFC 6265, 4.2.1: neither a
//	                                                         comma nor a blank is in a value)
//	Apache, ProxyPass all of the path as SCRIPT_NAME, and    it is cut at the mount
//	                  no PATH_INFO
//	the same with     PATH_INFO as it is in the URL, behind  REQUEST_URI is cut at the mount
//	proxy-scgi-pathinfo  a SCRIPT_NAME with a part of it
//	Apache, SetHandler  for a prefix alone no PATH_INFO      it is empty, whatever REQUEST_URI is
//	any               a SCRIPT_NAME below the mount, and     SCRIPT_NAME is cut at the mount
//	                  no PATH_INFO
//	lighttpd          SCRIPT_FILENAME of DOCUMENT_ROOT and   it is left out: the URL says the same
//	                  SCRIPT_NAME, file or not
//	nginx             headers that came twice, twice         they are joined (params.add)
//	nginx < 1.29.6    a wrong length                         lengths.go refuses it
//
// Of a server that sends DOCUMENT_URI, as nginx does, none of all but the last two changes anything.

// proxied returns the path behind the worker's name in what Apache's mod_proxy_scgi sends as
// SCRIPT_FILENAME: of the URL, escaped, with ProxyPass, or of a file, with SetHandler.
func (p params) proxied() (path string, ok bool) {
	target, ok := strings.CutPrefix(p.get("SCRIPT_FILENAME"), "proxy:scgi://")
	if i := strings.IndexByte(target, '/'); i >= 0 {
		path = target[i:]
	}
	return path, ok
}

// sent tells which of SCRIPT_NAME and PATH_INFO can be taken as they are, and from which path the others are
// to be cut.
func (p params) sent(mount string) (path string, script, info bool) {
	script, info = p.index("SCRIPT_NAME") >= 0, p.index("PATH_INFO") >= 0
	if path = p.get("DOCUMENT_URI"); path != "" {
		return path, script, info
	}
	path = pathOf(p.get("REQUEST_URI"))
	name := p.get("SCRIPT_NAME")
	target, apache := p.proxied()
	switch {
	case !script:
	case info:
		if apache && target != "" && target == p.get("PATH_INFO") { // proxy-scgi-pathinfo
			return path, false, false
		}
	case apache && strings.HasSuffix(name, strings.TrimLeft(pathOf(target), "/")), // ProxyPass
		mount != "" && strings.HasPrefix(name, mount+"/"):
		return name, false, false
	case apache:
		info = true // an empty one
	}
	return path, script, info
}

// dropFile leaves out a SCRIPT_FILENAME that names no program.
func (p *params) dropFile() {
	file := p.get("SCRIPT_FILENAME")
	if file == "" || p.get("DOCUMENT_URI") != "" {
		return
	}
	if _, apache := p.proxied(); apache {
		p.remove("SCRIPT_FILENAME")
		p.remove("PATH_TRANSLATED")
		if i := p.index("HTTP_COOKIE"); i >= 0 {
			(*p)[i].Value = splitCookies((*p)[i].Value)
		}
	} else if root := p.get("DOCUMENT_ROOT"); root != "" && strings.TrimRight(file, "/") == strings.TrimRight(root+p.get("SCRIPT_NAME"), "/") {
		p.remove("SCRIPT_FILENAME")
	}
}

// splitCookies has a semicolon between cookies instead of a comma.
func splitCookies(s string) string {
	parts := strings.Split(s, ", ")
	for i, next := range parts[1:] {
		between := ", "
		if name, _, ok := strings.Cut(next, "="); ok && isToken(name) {
			between = "; "
		}
		parts[i] += between
	}
	return strings.Join(parts, "")
}

func (p *params) remove(name string) {
	if i := p.index(name); i >= 0 {
		*p = append((*p)[:i], (*p)[i+1:]...)
	}
}
