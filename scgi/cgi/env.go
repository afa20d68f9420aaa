package cgi

import (
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/scgi"
)

// vars are the variables of a request (scgi.Request.Params).
type vars []scgi.Header

func (v vars) get(name string) string {
	for i := range v {
		if v[i].Name == name {
			return v[i].Value
		}
	}
	return ""
}

// isMeta tells whether a variable is the request's alone to say (RFC 3875, 4.1),
// so that what the unit's environment has under that name isn't handed on.
// HTTP_PROXY is among them, which no request can have either (httpoxy).
func isMeta(name string) bool {
	for _, prefix := range []string{"HTTP_", "SERVER_", "REMOTE_", "REQUEST_", "CONTENT_", "SCRIPT_", "DOCUMENT_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "AUTH_TYPE", "GATEWAY_INTERFACE", "HTTPS", "PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING", "REDIRECT_STATUS", "UNIQUE_ID":
		return true
	}
	return false
}

// inherited tells whether a program gets what the unit's environment has under
// that name. What systemd says to this process itself stays with it.
func inherited(name string) bool {
	switch name {
	case "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "JOURNAL_STREAM", "INVOCATION_ID", "MAINPID":
		return false
	}
	return !isMeta(name)
}

// build makes the environment of a program: the variables of the request, and of
// the unit's what isn't the request's to say. Of any other name that both have, PATH
// say, the unit's stays.
func (s *script) build(unit []string, v vars) []string {
	env := make([]string, 0, len(unit)+len(v)+4)
	has := make(map[string]bool, cap(env))
	for _, e := range unit {
		if name, _, ok := strings.Cut(e, "="); ok && inherited(name) {
			env = append(env, e)
			has[name] = true
		}
	}
	set := func(name, value string) {
		if !has[name] {
			env = append(env, name+"="+value)
			has[name] = true
		}
	}
	set("GATEWAY_INTERFACE", "CGI/1.1")
	set("SCRIPT_NAME", s.scriptName)
	set("SCRIPT_FILENAME", s.name)
	set("PATH_INFO", s.pathInfo)
	if t := v.get("PATH_TRANSLATED"); t != "" && s.pathInfo == v.get("PATH_INFO") { // else it is of another PATH_INFO
		set("PATH_TRANSLATED", t)
	} else if t := translated(v.get("DOCUMENT_ROOT"), s.pathInfo); t != "" {
		set("PATH_TRANSLATED", t)
	}
	if scheme, _, _ := strings.Cut(v.get("HTTP_AUTHORIZATION"), " "); scheme != "" && v.get("REMOTE_USER") != "" && v.get("AUTH_TYPE") == "" {
		set("AUTH_TYPE", scheme)
	}
	for _, h := range v {
		switch {
		case h.Name == "SCGI" || h.Name == "PATH_TRANSLATED":
		case h.Name == "CONTENT_LENGTH" && h.Value == "0" && !hasBody(v.get("REQUEST_METHOD")):
		case h.Name == "CONTENT_TYPE" && h.Value == "":
		// The dynamic linker's are no web server's to set.
		case strings.HasPrefix(h.Name, "LD_"):
		default:
			set(h.Name, h.Value)
		}
	}
	set("REDIRECT_STATUS", "200")      // without which php-cgi answers nothing (cgi.force_redirect)
	set("SERVER_SOFTWARE", "socketgi") // which a program can count on (RFC 3875, 4.1.17)
	return env
}

// hasBody tells whether a request without a byte of body still has one: then
// CONTENT_LENGTH is set (RFC 3875, 4.1.2).
func hasBody(method string) bool { return method == "POST" || method == "PUT" || method == "PATCH" }

// translated is where the document tree has what PATH_INFO names (RFC 3875, 4.1.6);
// nothing where it would lead out of it.
func translated(documentRoot, pathInfo string) string {
	if documentRoot == "" || pathInfo == "" {
		return ""
	}
	for segment := range strings.SplitSeq(pathInfo, "/") {
		if segment == ".." {
			return ""
		}
	}
	return strings.TrimRight(documentRoot, "/") + pathInfo
}

// indexWords are the arguments that an indexed query stands for (RFC 3875, 4.4):
// none for a query with a "=".
func indexWords(v vars) (words []string) {
	query := v.get("QUERY_STRING")
	if m := v.get("REQUEST_METHOD"); query == "" || strings.Contains(query, "=") || m != "GET" && m != "HEAD" {
		return nil
	}
	for word := range strings.SplitSeq(query, "+") {
		decoded, ok := unescape(word)
		if !ok {
			return nil
		}
		words = append(words, decoded)
	}
	return words
}

func unescape(s string) (string, bool) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			b.WriteString(s)
			return b.String(), true
		}
		if i+3 > len(s) {
			return "", false
		}
		n, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil || n == 0 { // an argument can't hold a NUL
			return "", false
		}
		b.WriteString(s[:i])
		b.WriteByte(byte(n))
		s = s[i+3:]
	}
}
