package scgi

import "strings"

// This file refuses variables that no web server can send after it has parsed a request. Values that pass
// contain no line break, so that they can be written to a log, an environment or a response. Exceptions are
// decoded paths (PATH_INFO, SCRIPT_NAME, DOCUMENT_URI and those derived from them), because %0A and %0D are
// legal in a URL, and other variables that only the web server's configuration defines, such as a client's
// certificate.

// checkMeta checks a variable other than a client's header. Breaks is true if there may be a line break in the
// request.
func checkMeta(name, value string, breaks bool) error {
	switch name {
	case "REQUEST_METHOD":
		if value != "" && !isToken(value) { // an empty one counts as missing
			return ErrMethod
		}
	case "REQUEST_URI":
		if hasControl(value) {
			return ErrTarget
		}
	case "SERVER_PROTOCOL":
		if value != "" && !isProtocol(value) {
			return ErrProtocol
		}
	case "AUTH_TYPE", "CONTENT_TYPE", "GATEWAY_INTERFACE", "HTTPS", "QUERY_STRING", "REMOTE_ADDR", "REMOTE_HOST",
		"REMOTE_IDENT", "REMOTE_PORT", "REMOTE_USER", "REQUEST_SCHEME", "SERVER_ADDR", "SERVER_NAME", "SERVER_PORT",
		"SERVER_SOFTWARE", "UNIQUE_ID":
		if breaks && strings.ContainsAny(value, "\r\n") {
			return ErrValue
		}
	}
	return nil
}

// isToken reports whether s is a method, or the name of a header (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		if !tokens[s[i]] {
			return false
		}
	}
	return s != ""
}

var tokens = characters("!#$%&'*+-.^_`|~")

// isHost reports whether s is empty or has only characters of a Host (RFC 3986, 3.2.2). Any other Host must be
// answered with 400 (RFC 9112, 3.2).
func isHost(s string) bool {
	for i := range len(s) {
		if !hosts[s[i]] {
			return false
		}
	}
	return true
}

var hosts = characters("!$%&'()*+,-.:;=@[]_~")

// characters is the set of letters, digits and these others.
func characters(others string) (set [256]bool) {
	for c := range set {
		set[c] = c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80 || c >= '0' && c <= '9'
	}
	for i := range len(others) {
		set[others[i]] = true
	}
	return set
}

// hasControl reports whether s has a control character, which no request line can have.
func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

// isProtocol reports whether s is HTTP/1.1, or another protocol with or without a version
// (RFC 3875, 4.1.16).
func isProtocol(s string) bool {
	name, version, ok := strings.Cut(s, "/")
	if !ok {
		return isToken(s)
	}
	major, minor, dot := strings.Cut(version, ".")
	return isToken(name) && isNumber(major) && (!dot || isNumber(minor))
}

func isNumber(s string) bool {
	_, ok := parseLength(s)
	return ok
}
