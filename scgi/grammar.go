package scgi

import "strings"

// This file says what a web server that has parsed a request can't have found in it. What
// passes here can be put into a log line, an environment or a response as a line of its own,
// but for the variables that are decoded paths (PATH_INFO, SCRIPT_NAME, DOCUMENT_URI and what
// is made of them): %0A and %0D in a URL are legal, and become line breaks there. So may be
// what only a configuration names, such as a client's certificate.

// checkMeta tells what is wrong with a variable that is no client's header. Breaks says that
// there may be a line break somewhere in the request.
func checkMeta(name, value string, breaks bool) error {
	switch name {
	case "REQUEST_METHOD":
		if value != "" && !isToken(value) { // an empty one is a missing one
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

// isHost reports whether s has only characters that a Host may have (RFC 3986, 3.2.2); there
// may be none. Any other is to be answered with 400 (RFC 9112, 3.2).
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
