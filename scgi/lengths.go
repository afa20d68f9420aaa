package scgi

import (
	"strconv"
	"strings"
)

// This file decides how long a body is, where more than one header says so.

// lengths are what a request says of its body besides the first CONTENT_LENGTH, which is how
// much the web server has of it.
type lengths struct {
	// none: there is no body, by a later CONTENT_LENGTH or by HTTP_CONTENT_LENGTH, which the
	// web server's configuration sets to nothing.
	none bool
	// told is what the client's Content-Length said, if given.
	told  int64
	given bool
}

// client notes a HTTP_CONTENT_LENGTH.
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

// settle decides on the body's length. A subrequest of nginx (auth_request, SSI) has the
// headers of the client's request, and not its body; so does a request of which nginx before
// 1.29.6, with scgi_request_buffering off, has nothing yet when it counts the body, and sends
// it all the same. The two can be told apart by the configuration, which says that there is
// none, or by the version. Bytes that follow give the second away in either case.
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

// countsBodies reports whether a web server is a nginx that never announces less of a body than
// it sends: 1.29.6 or later.
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
