package scgi

import "strings"

// Params returns the meta-variables of the request for an application, as CGI (RFC 3875, 4.1) and PEP 3333
// require:
//
//   - A repeated header of the client is joined, cookies with "; " and others with ", " (RFC 9110, 5.3). Of
//     HTTP_HOST and of variables of the web server, the last one counts, as in nginx for repeated parameters.
//   - HTTP_CONTENT_LENGTH, HTTP_CONTENT_TYPE and HTTP_TRANSFER_ENCODING are removed: they describe the message
//     before the web server has decoded it. HTTP_PROXY is removed because libraries use the environment
//     variable of that name as their proxy (httpoxy, CVE-2016-5385).
//   - SCRIPT_NAME and PATH_INFO are those of the web server. A missing one is cut from DOCUMENT_URI, else from
//     REQUEST_URI, at mount: "" for an application that has the whole host, else "/prefix". A SCRIPT_NAME that
//     may be the whole path is cut there, too.
//   - SCRIPT_FILENAME and PATH_TRANSLATED are removed if they name no file of the application.
//   - QUERY_STRING, SERVER_NAME, SERVER_PORT and SERVER_PROTOCOL are always set, SERVER_NAME and SERVER_PORT to
//     a value that isn't empty.
//
// The error for a request without a method is [ErrNoMethod].
func (r *Request) Params(mount string) ([]Header, error) {
	p := make(params, 0, len(r.fields)+6)
	for name, value := range r.Headers() {
		switch name {
		case "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_TRANSFER_ENCODING", "HTTP_PROXY":
		case "CONTENT_LENGTH": // the first one: others are equal, or empty
			if r.empty {
				value = "0"
			}
			p.setDefault(name, value)
		default:
			p.add(name, value)
		}
	}
	if p.get("REQUEST_METHOD") == "" {
		return nil, ErrNoMethod
	}
	script, info := p.path(mount)
	p.dropFile()
	p.set("SCRIPT_NAME", script)
	p.set("PATH_INFO", info)
	p.setDefault("QUERY_STRING", "")
	host, port := splitHost(p.get("HTTP_HOST"))
	if p.get("SERVER_NAME") == "" {
		if host == "" {
			host = "localhost"
		}
		p.set("SERVER_NAME", host)
	}
	if p.get("SERVER_PORT") == "" {
		switch {
		case port != "":
		case p.get("HTTPS") == "on" || p.get("REQUEST_SCHEME") == "https":
			port = "443"
		default:
			port = "80"
		}
		p.set("SERVER_PORT", port)
	}
	p.setDefault("SERVER_PROTOCOL", "HTTP/1.0")
	return p, nil
}

type params []Header

func (p params) index(name string) int {
	for i := range p {
		if p[i].Name == name {
			return i
		}
	}
	return -1
}

func (p params) get(name string) string {
	if i := p.index(name); i >= 0 {
		return p[i].Value
	}
	return ""
}

func (p *params) set(name, value string) {
	if i := p.index(name); i >= 0 {
		(*p)[i].Value = value
		return
	}
	*p = append(*p, Header{name, value})
}

func (p *params) setDefault(name, value string) {
	if p.index(name) < 0 {
		*p = append(*p, Header{name, value})
	}
}

func (p *params) add(name, value string) {
	i := p.index(name)
	if i < 0 {
		*p = append(*p, Header{name, value})
		return
	}
	old := &(*p)[i].Value
	switch {
	case !strings.HasPrefix(name, "HTTP_") || name == "HTTP_HOST" || *old == "":
		*old = value
	case value == "":
	case name == "HTTP_COOKIE":
		*old += "; " + value
	default:
		*old += ", " + value
	}
}

// path finds SCRIPT_NAME and PATH_INFO.
func (p params) path(mount string) (script, info string) {
	uri, hasScript, hasInfo := p.sent(mount)
	script = mount
	if hasScript {
		script = p.get("SCRIPT_NAME")
	}
	script = strings.TrimRight(script, "/") // PEP 3333: never "/"
	if hasInfo {
		info = p.get("PATH_INFO")
	} else {
		rest, ok := strings.CutPrefix(uri, script)
		switch {
		case ok && (rest == "" || rest[0] == '/'):
			info = rest
		case hasScript:
			info = uri
		default: // outside of the mount, as the web server is configured
			script, info = "", uri
		}
	}
	if info != "" && info[0] != '/' || info == "" && script == "" {
		info = "/" + info
	}
	return script, info
}

// pathOf returns the decoded path of a request target (RFC 9112, 3.2).
func pathOf(target string) string {
	if i := strings.IndexByte(target, '?'); i >= 0 {
		target = target[:i]
	}
	if i := strings.Index(target, "://"); i > 0 && target[0] != '/' {
		target = target[i+3:]
		i := strings.IndexByte(target, '/')
		if i < 0 {
			return "/"
		}
		target = target[i:]
	}
	if strings.IndexByte(target, '%') < 0 {
		return target
	}
	out := make([]byte, 0, len(target))
	for i := 0; i < len(target); i++ {
		if target[i] == '%' && i+2 < len(target) {
			hi, lo := unhex(target[i+1]), unhex(target[i+2])
			// A NUL remains escaped: it would end the variable.
			if hi >= 0 && lo >= 0 && hi+lo > 0 {
				out = append(out, byte(hi<<4|lo))
				i += 2
				continue
			}
		}
		out = append(out, target[i])
	}
	return string(out)
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// splitHost splits a host and its port; an IPv6 address keeps its brackets.
func splitHost(s string) (host, port string) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 || strings.IndexByte(s[i:], ']') >= 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}
