package scgi

import (
	"strconv"
	"strings"
)

// This file determines the length of a body from several headers.

// lengths has the headers about the length of the body besides the first CONTENT_LENGTH, which is the number of
// bytes that the web server has.
type lengths struct {
	// none: the web server's configuration sets a later CONTENT_LENGTH or HTTP_CONTENT_LENGTH to an
	// empty value, so that there is no body.
	none bool
	// told is the client's Content-Length, if given.
	told  int64
	given bool
}

// client records a HTTP_CONTENT_LENGTH.
func (l *lengths) client(value string) error {
	if value == "" {
		l.none = true
		return nil
	}
	n, ok := parseLength(value)
	if !ok || l.given && n != l.told {
		return ErrCutBody
	}
	l.told, l.given = n, true
	return nil
}

// settle determines the body's length. Two kinds of requests have the client's Content-Length and a
// CONTENT_LENGTH of 0: a subrequest of nginx (auth_request, SSI), which has no body; and a request of nginx
// before 1.29.6 with scgi_request_buffering off, which has received nothing of the body when it counts it, and
// sends it later. The configuration (none) or the version distinguishes them. In either case, bytes that follow
// belong to the second kind.
func (r *Request) settle(l *lengths) error {
	switch {
	case l.none:
		r.ContentLength, r.empty = 0, true
	case !l.given || l.told == r.ContentLength:
	case r.ContentLength > 0:
		return ErrCutBody
	case !countsBodies(r.Get("SERVER_SOFTWARE")):
		return ErrUnknownBody
	default:
		r.empty = true
	}
	return nil
}

// countsBodies reports whether a web server is nginx 1.29.6 or later, which never sends more of a body than it
// announces.
func countsBodies(software string) bool {
	version, ok := strings.CutPrefix(software, "nginx/")
	if !ok {
		return false
	}
	version, _, _ = strings.Cut(version, " ")
	for _, least := range [...]int{1, 29, 6} {
		var digits string
		digits, version, _ = strings.Cut(version, ".")
		n, err := strconv.Atoi(digits)
		if err != nil || n != least {
			return err == nil && n > least
		}
	}
	return true
}
