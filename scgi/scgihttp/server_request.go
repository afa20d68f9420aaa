package scgihttp

import (
	"net/http"
	"net/http/cgi"
	"net/textproto"
	"net/url"
	"strings"
	"sync"

	"github.com/socketgi/socketgi/scgi"
)

// This file makes an http.Request of the variables that a web server sends.

// maps holds the maps that cgi.RequestFromMap reads.
var maps = sync.Pool{New: func() any { return map[string]string{} }}

// newRequest makes a request without a body and a context.
//
// cgi.RequestFromMap does method, protocol, length, TLS and RemoteAddr. It doesn't do
// what follows here:
//
//   - It pastes HTTP_HOST and REQUEST_URI together and parses that, so that "*" and an
//     absolute-form target (RFC 9112, 3.2) become part of the host, and "//x" without a
//     Host becomes a host. It leaves RequestURI empty.
//   - Without a REQUEST_URI it takes SCRIPT_NAME and PATH_INFO for escaped, which they
//     aren't (RFC 3875, 4.1.5).
//   - A map can't hold the header that a web server sends twice, nor tell how to join it.
//   - It gives handlers HTTP_PROXY (httpoxy, CVE-2016-5385) and headers of the message
//     as it was before the web server took it apart, which scgi.Request.Params leaves
//     out, too.
//   - It turns every name of a header into its canonical form, for which most need two
//     allocations.
func newRequest(req *scgi.Request) (*http.Request, error) {
	m := maps.Get().(map[string]string)
	defer func() {
		clear(m)
		maps.Put(m)
	}()
	v := collect(req, m)
	if m["REQUEST_METHOD"] == "" {
		return nil, scgi.ErrNoMethod
	}
	if p := m["SERVER_PROTOCOL"]; p == "" || p == "INCLUDED" { // as an SSI calls it (RFC 3875, 4.1.16)
		m["SERVER_PROTOCOL"] = "HTTP/1.0" // as scgi.Request.Params has it
	}
	r, err := cgi.RequestFromMap(m)
	if err != nil {
		return nil, scgi.ErrProtocol // nothing else is left that can be wrong: it has no version of HTTP
	}
	r.ContentLength = req.ContentLength
	r.RequestURI = v.target()
	r.URL, r.Host, err = target(r.Method, r.RequestURI, v.host, r.TLS != nil)
	if err != nil {
		return nil, err
	}
	r.Header = requestHeader(req, v.contentType, v.fields)
	return r, nil
}

// variables are those of a request that cgi.RequestFromMap doesn't see.
type variables struct {
	uri, host, script, info, document, query, contentType string
	fields                                                int // of the header, at most
}

// collect puts those that it does see into m.
func collect(req *scgi.Request, m map[string]string) (v variables) {
	v.fields = 1 // Content-Type
	for name, value := range req.Headers() {
		switch name {
		case "REQUEST_METHOD", "SERVER_PROTOCOL", "HTTPS", "REMOTE_ADDR", "REMOTE_PORT":
			m[name] = value
		case "REQUEST_SCHEME":
			if value == "https" {
				m["HTTPS"] = "on"
			}
		case "REQUEST_URI":
			v.uri = value
		case "HTTP_HOST":
			v.host = value
		case "SCRIPT_NAME":
			v.script = value
		case "PATH_INFO":
			v.info = value
		case "DOCUMENT_URI":
			v.document = value
		case "QUERY_STRING":
			v.query = value
		case "CONTENT_TYPE":
			v.contentType = value
		default:
			if strings.HasPrefix(name, "HTTP_") {
				v.fields++
			}
		}
	}
	return v
}

// target is the request target, made of the decoded path where the web server sends none.
func (v *variables) target() string {
	if v.uri != "" {
		return v.uri
	}
	path := v.script + v.info
	if path == "" {
		path = v.document
	}
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	u := url.URL{Path: path, RawQuery: v.query}
	return u.RequestURI()
}

// target parses a request target (RFC 9112, 3.2). With a host the URL is absolute, as
// net/http/cgi and net/http/fcgi have it.
func target(method, uri, host string, secure bool) (*url.URL, string, error) {
	authority := method == http.MethodConnect && !strings.HasPrefix(uri, "/")
	if authority {
		uri = "http://" + uri
	}
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return nil, "", scgi.ErrTarget
	}
	switch {
	case u.Host != "": // an absolute target's host counts (RFC 9112, 3.2.2)
		host = u.Host
		if authority {
			u.Scheme = ""
		}
	case host == "" || uri == "*":
	default:
		u.Scheme, u.Host = "http", host
		if secure {
			u.Scheme = "https"
		}
	}
	return u, host, nil
}

// requestHeader makes the header of HTTP_ variables. A header that was sent more than
// once is joined, cookies with "; ", all others with ", " (RFC 9110, 5.3).
func requestHeader(req *scgi.Request, contentType string, fields int) http.Header {
	h := make(http.Header, fields)
	values := make([]string, fields) // one allocation for all
	if contentType != "" {
		values[0] = contentType
		h["Content-Type"] = values[:1:1]
	}
	next := 1
	for name, value := range req.Headers() {
		if !strings.HasPrefix(name, "HTTP_") {
			continue
		}
		key := headerNames[name]
		switch key {
		case "-": // not for handlers
			continue
		case "":
			key = textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name[len("HTTP_"):], "_", "-"))
		}
		if old, ok := h[key]; ok {
			old[0] = join(key, old[0], value)
			continue
		}
		values[next] = value
		h[key] = values[next : next+1 : next+1]
		next++
	}
	return h
}

func join(key, a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	case key == "Cookie":
		return a + "; " + b
	}
	return a + ", " + b
}

// headerNames are the names that clients usually send, so that they need no work, and
// those that handlers don't get ("-").
var headerNames = func() map[string]string {
	m := map[string]string{
		"HTTP_HOST": "-", "HTTP_PROXY": "-",
		"HTTP_CONTENT_LENGTH": "-", "HTTP_CONTENT_TYPE": "-", "HTTP_TRANSFER_ENCODING": "-",
	}
	for _, name := range []string{
		"Accept", "Accept-Charset", "Accept-Encoding", "Accept-Language", "Access-Control-Request-Headers",
		"Access-Control-Request-Method", "Authorization", "Cache-Control", "Connection", "Content-Encoding", "Cookie",
		"Dnt", "Expect", "Forwarded", "From", "If-Match", "If-Modified-Since", "If-None-Match", "If-Range",
		"If-Unmodified-Since", "Keep-Alive", "Origin", "Pragma", "Priority", "Range", "Referer", "Sec-Ch-Ua",
		"Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site",
		"Sec-Fetch-User", "Sec-Gpc", "Te", "Traceparent", "Tracestate", "Upgrade", "Upgrade-Insecure-Requests",
		"User-Agent", "Via", "X-Csrf-Token", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
		"X-Forwarded-Proto", "X-Real-Ip", "X-Request-Id", "X-Requested-With",
	} {
		m["HTTP_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = name
	}
	return m
}()
