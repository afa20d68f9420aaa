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

// isMeta returns whether only a request defines a variable (RFC 3875, 4.1). Variables of the unit with
// such names are not passed on. HTTP_PROXY is one of them, and no request defines it either (httpoxy,
// CVE-2016-5385).
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

// inherited returns whether a program gets a variable of the unit's environment. Those that systemd sets
// for this process itself are not passed on.
func inherited(name string) bool {
	switch name {
	case "NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC", "JOURNAL_STREAM", "INVOCATION_ID", "MAINPID":
		return false
	}
	return !isMeta(name)
}

// build returns the environment of a program: the variables of the request, and those of the unit that
// only requests define are removed. If both have another name, such as PATH, the unit's value is used.
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
		// A web server must not set variables of the dynamic linker (ld.so(8)).
		case strings.HasPrefix(h.Name, "LD_"):
		default:
			set(h.Name, h.Value)
		}
	}
	set("REDIRECT_STATUS", "200")      // php-cgi requires it (cgi.force_redirect)
	set("SERVER_SOFTWARE", "socketgi") // programs can rely on it (RFC 3875, 4.1.17)
	return env
}

// hasBody returns whether a request with this method has a body, even if that is empty: then
// CONTENT_LENGTH is set (RFC 3875, 4.1.2).
func hasBody(method string) bool { return method == "POST" || method == "PUT" || method == "PATCH" }

// translated returns the path of PATH_INFO in the document tree (RFC 3875, 4.1.6), "" if it is outside.
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

// indexWords returns the arguments of an indexed query (RFC 3875, 4.4): none for a query with a "=".
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
