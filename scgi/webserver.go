package scgi

import "strings"

// This file lists the differences between web servers, each with its treatment and the reason. The variables
// identify the web server; SERVER_SOFTWARE doesn't, as operators change it (Apache's ServerTokens, lighttpd's
// server.tag). nginx sends DOCUMENT_URI, with which the rules of the others don't apply.
//
//	web server               variables                            treatment and reason
//	nginx                    a repeated header, repeatedly        joined (params.add): RFC 9110, 5.3
//	nginx before 1.29.6      a wrong length                       refused (lengths.go): the body is cut
//	Apache                   SCRIPT_FILENAME=proxy:scgi://... and removed: neither names a file of the
//	                         a PATH_TRANSLATED                    application
//	Apache                   two headers Cookie as "a=1, b=2"     changed to "a=1; b=2": no value has a comma
//	                                                              or a blank (RFC 6265, 4.1.1)
//	Apache, ProxyPass        the whole path as SCRIPT_NAME, and   cut at the mount: else each page is the
//	                         no PATH_INFO                         index
//	Apache, ProxyPass with   PATH_INFO as in the URL, and a part  REQUEST_URI is cut at the mount: PATH_INFO
//	proxy-scgi-pathinfo      of it in SCRIPT_NAME, too            is decoded (RFC 3875, 4.1.5)
//	Apache, SetHandler       no PATH_INFO for a prefix alone      empty, independent of REQUEST_URI
//	lighttpd                 SCRIPT_FILENAME of DOCUMENT_ROOT     removed: the file may not exist, and the
//	                         and SCRIPT_NAME                      URL contains the same
//	any                      SCRIPT_NAME below the mount, and no  cut at the mount
//	                         PATH_INFO

// proxied returns the path in a SCRIPT_FILENAME of Apache's mod_proxy_scgi, after the worker's name: that of the
// URL, escaped, with ProxyPass, or that of a file, with SetHandler.
func (p params) proxied() (path string, ok bool) {
	target, ok := strings.CutPrefix(p.get("SCRIPT_FILENAME"), "proxy:scgi://")
	if i := strings.IndexByte(target, '/'); i >= 0 {
		path = target[i:]
	}
	return path, ok
}

// sent returns which of SCRIPT_NAME and PATH_INFO are used as sent, and the path from which the others are cut.
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

// dropFile removes a SCRIPT_FILENAME that names no program.
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

// splitCookies replaces the commas between cookies by semicolons.
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
