package scgihttp

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// This file writes the head of a response (RFC 3875, 6). Status is the first line, because nginx uses the
// first of two. There is no Date: the web server adds it.

// appendStatus appends the Status line.
func appendStatus(dst []byte, code int) []byte {
	dst = append(dst, "Status: "...)
	dst = strconv.AppendInt(dst, int64(code), 10)
	dst = append(dst, ' ')
	if text := http.StatusText(code); text != "" {
		dst = append(dst, text...)
	} else { // as in net/http
		dst = append(dst, "status code "...)
		dst = strconv.AppendInt(dst, int64(code), 10)
	}
	return append(dst, "\r\n"...)
}

// appendHeader appends the lines of the header, sorted by name, without those of the connection. keys is
// scratch space.
func appendHeader(dst []byte, h http.Header, skip func(name string) bool, keys *[]string) []byte {
	*keys = (*keys)[:0]
	for name := range h {
		if isToken(name) && !ofConnection(name) && !skip(name) {
			*keys = append(*keys, name)
		}
	}
	slices.Sort(*keys)
	connection := h["Connection"]
	for _, name := range *keys {
		if namedIn(connection, name) {
			continue
		}
		for _, v := range h[name] {
			dst = appendLine(dst, name, v)
		}
	}
	return dst
}

// appendLine appends one line. A line break in a value would begin another header or the body, so it becomes
// a space; so does NUL, for which nginx refuses the whole head.
func appendLine(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ": "...)
	start := len(dst)
	dst = append(dst, strings.Trim(value, " \t\r\n")...)
	for i := start; i < len(dst); i++ {
		if c := dst[i]; c == '\r' || c == '\n' || c == 0 {
			dst[i] = ' '
		}
	}
	return append(dst, "\r\n"...)
}

// ofConnection reports whether a header is about the connection to the client, which is the web server's (RFC
// 9110, 7.6.1). Status would be a second Status line, and SCGI has no trailers.
func ofConnection(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Status":
		return true
	}
	return strings.HasPrefix(name, http.TrailerPrefix)
}

// namedIn reports whether the values of Connection name a header.
func namedIn(connection []string, name string) bool {
	for _, v := range connection {
		for token := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(token), name) {
				return true
			}
		}
	}
	return false
}

// isToken reports whether s is the name of a header or a method (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}
