package scgi

import "strings"

// This file lists what web servers send differently, each with the reason for what is done about it. The
// variables show which one sent them; SERVER_SOFTWARE doesn't, as operators change it (Apache's
// ServerTokens, lighttpd's server.tag). nginx sends DOCUMENT_URI, with which the rules of the others don't
// apply.
//
//	sent by                  what                                 done, and why
//	nginx                    a repeated header, repeatedly        joined (params.add): RFC 9110, 5.3
//	nginx before 1.29.6      a wrong length                       refused (lengths.go): the body is cut
//	Apache                   SCRIPT_FILENAME=proxy:scgi://... and left out: neither names a file of the
//	                         a PATH_TRANSLATED                    application
//	Apache                   two headers Cookie as "a=1, b=2"     made "a=1; b=2": no value has a comma or a
//	                                                              blank (RFC 6265, 4.1.1)
//	Apache, ProxyPass        the whole path as SCRIPT_NAME, and   cut at the mount: else each page is the
//	                         no PATH_INFO                         index
//	Apache, ProxyPass with   PATH_INFO as in the URL, and a part  REQUEST_URI is cut at the mount: PATH_INFO
//	proxy-scgi-pathinfo      of it in SCRIPT_NAME, too            is decoded (RFC 3875, 4.1.5)
//	Apache, SetHandler       no PATH_INFO for a prefix alone      it is empty, whatever REQUEST_URI is
//	lighttpd                 SCRIPT_FILENAME of DOCUMENT_ROOT     left out: there may be no such file, and
//	                         and SCRIPT_NAME                      the URL says the same
//	any                      SCRIPT_NAME below the mount, and no  cut at the mount
//	                         PATH_INFO

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
