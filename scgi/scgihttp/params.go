package scgihttp

import (
	"net"
	"net/http"
	"sort"
	"strings"

	"github.com/socketgi/socketgi/scgi"
)

// params returns the variables of a request as a web server sends them (RFC 3875, 4.1, and the additions of
// nginx).
func (t *Transport) params(r *http.Request) []scgi.Header {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = host, ""
	}
	scheme := "http"
	if r.TLS != nil || r.URL.Scheme == "https" {
		scheme = "https"
	}
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	p := []scgi.Header{
		{Name: "REQUEST_METHOD", Value: method(r)},
		{Name: "REQUEST_URI", Value: r.URL.RequestURI()},
		{Name: "QUERY_STRING", Value: r.URL.RawQuery},
		{Name: "CONTENT_TYPE", Value: r.Header.Get("Content-Type")},
		{Name: "DOCUMENT_URI", Value: r.URL.Path},
		{Name: "SERVER_PROTOCOL", Value: "HTTP/1.1"},
		{Name: "REQUEST_SCHEME", Value: scheme},
		{Name: "SERVER_NAME", Value: name},
		{Name: "SERVER_PORT", Value: port},
	}
	if scheme == "https" {
		p = append(p, scgi.Header{Name: "HTTPS", Value: "on"})
	}
	mount := strings.TrimRight(t.Mount, "/")
	if rest, ok := strings.CutPrefix(r.URL.Path, mount); ok && (rest == "" || rest[0] == '/') {
		p = append(p, scgi.Header{Name: "SCRIPT_NAME", Value: mount}, scgi.Header{Name: "PATH_INFO", Value: rest})
	}
	if addr, port, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		p = append(p, scgi.Header{Name: "REMOTE_ADDR", Value: addr}, scgi.Header{Name: "REMOTE_PORT", Value: port})
	}
	if host != "" {
		p = append(p, scgi.Header{Name: "HTTP_HOST", Value: host})
	}
	if protocol := upgrade(r.Header); protocol != "" {
		p = append(p, scgi.Header{Name: "HTTP_CONNECTION", Value: "Upgrade"}, scgi.Header{Name: "HTTP_UPGRADE", Value: protocol})
	}
	return append(append(p, clientHeaders(r.Header)...), t.Params...)
}

// upgrade returns the protocol that a request asks for instead of HTTP, or "" (RFC 9110, 7.8).
func upgrade(h http.Header) string {
	if namedIn(h["Connection"], "Upgrade") {
		return h.Get("Upgrade")
	}
	return ""
}

// clientHeaders returns HTTP_ variables. Names with an underscore are omitted, as in nginx, because they
// would be taken for those with a dash; so are the headers of the connection, and Proxy (httpoxy,
// CVE-2016-5385).
func clientHeaders(h http.Header) (p []scgi.Header) {
	for name, values := range h {
		switch name {
		case "Host", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Te",
			"Trailer", "Upgrade", "Proxy", "Proxy-Connection":
			continue
		}
		if strings.Contains(name, "_") {
			continue
		}
		separator := ", "
		if name == "Cookie" {
			separator = "; "
		}
		p = append(p, scgi.Header{
			Name:  "HTTP_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")),
			Value: strings.Join(values, separator),
		})
	}
	sort.Slice(p, func(i, j int) bool { return p[i].Name < p[j].Name })
	return p
}

func method(r *http.Request) string {
	if r.Method == "" {
		return http.MethodGet
	}
	return r.Method
}
