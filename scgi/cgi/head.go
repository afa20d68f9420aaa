package cgi

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// head is the head of a response, read and checked.
type head struct {
	status int
	line   string // the status with its phrase
	wire   []byte // the bytes to send
	length int64  // Content-Length, -1: none
	noBody bool   // the status has no body (RFC 9110, 6.4.1)
}

// headEnd returns the length of the head, including the empty line at its end, 0 if p has none. Each
// line ends in LF or CR LF.
func headEnd(p []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(p[i:], '\n')
		if n < 0 {
			return 0
		}
		line := p[i : i+n]
		i += n + 1
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return i
		}
	}
}

// headRules are the rules of a head that differ between programs and web servers.
type headRules struct {
	nph   bool // it begins with a status line (NPH, RFC 3875, 5)
	nginx bool // the web server is nginx
}

// parse checks the head of a response, and returns it in the form to send: Status first, lines that end
// in CR LF, no headers that only a web server may send.
//
// A program sends a document (Content-Type), a redirect (Location), or a Status (RFC 3875, 6.2); one of
// them is required.
func (rules headRules) parse(p []byte) (*head, error) {
	h := &headParser{headRules: rules, head: head{length: -1, status: 200, line: "200 OK"}}
	for n := 1; len(p) > 0; n++ {
		line, rest, _ := bytes.Cut(p, []byte("\n"))
		line, p = bytes.TrimSuffix(line, []byte("\r")), rest
		if len(line) == 0 {
			break
		}
		if err := h.addLine(n, line); err != nil {
			return nil, err
		}
	}
	if !h.given && h.location == "" && !h.document {
		return nil, errors.New("the header has none of Content-Type, Location and Status")
	}
	return h.end(), nil
}

// headParser parses a head.
type headParser struct {
	headRules
	head
	given    bool // there is a status
	document bool // there is a Content-Type
	location string
	fields   []byte // the headers to send after the status
}

func (h *headParser) addLine(n int, line []byte) error {
	switch {
	case n == 1 && bytes.HasPrefix(line, []byte("HTTP/")):
		_, after, _ := strings.Cut(string(line), " ")
		h.given = true
		return h.setStatus(after)
	case bytes.HasPrefix(line, []byte("<!--:")):
		return nil // Python's cgitb sends this comment before its headers
	case n == 1 && h.nph:
		return fmt.Errorf("expected a status line such as HTTP/1.1 200 OK in a complete response (NPH), got %s", excerpt(line))
	}
	name, value, err := field(line)
	if err != nil {
		return fmt.Errorf("line %d of the header, %s: %w", n, excerpt(line), err)
	}
	return h.addField(name, value)
}

func (h *headParser) addField(name, value string) error {
	switch strings.ToLower(name) {
	case "status":
		if h.given {
			return nil // the first one counts, as in nginx
		}
		h.given = true
		return h.setStatus(value)
	case "location":
		if h.location == "" {
			h.location = value
		}
		return nil
	case "content-type":
		h.document = value != ""
	case "content-length":
		length, err := strconv.ParseInt(value, 10, 64)
		if err != nil || value[0] < '0' || value[0] > '9' || h.length >= 0 && h.length != length {
			return fmt.Errorf("Content-Length: %s is not a length", excerpt([]byte(value)))
		}
		if h.length >= 0 {
			return nil
		}
		h.length = length
	case "transfer-encoding":
		if !strings.EqualFold(value, "identity") {
			return fmt.Errorf("Transfer-Encoding: %s is not allowed: send the body unencoded", value)
		}
		return nil
	case "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade":
		return nil // these are for the connection to the client, which the web server owns (RFC 9110, 7.6.1)
	}
	h.send(name, value)
	return nil
}

func (h *headParser) send(name, value string) {
	h.fields = append(append(append(h.fields, name...), ": "...), value...)
	h.fields = append(h.fields, "\r\n"...)
}

// end completes the head. A redirect to a local path without a Status is an internal redirect of the web
// server (RFC 3875, 6.2.2): nginx requires X-Accel-Redirect for it, others handle Location.
func (h *headParser) end() *head {
	local := strings.HasPrefix(h.location, "/") && !strings.HasPrefix(h.location, "//") && !h.given
	switch {
	case h.location == "":
	case local && h.nginx:
		h.send("X-Accel-Redirect", h.location)
	default:
		if !h.given && !local {
			h.status, h.line = 302, "302 Found"
		}
		h.send("Location", h.location)
	}
	h.noBody = h.status == 204 || h.status == 304
	h.wire = make([]byte, 0, len(h.fields)+64)
	if !local {
		h.wire = append(append(append(h.wire, "Status: "...), h.line...), "\r\n"...)
	}
	h.wire = append(append(h.wire, h.fields...), "\r\n"...)
	return &h.head
}

func (h *head) setStatus(s string) error {
	s = strings.Trim(s, " \t")
	code, _, _ := strings.Cut(s, " ")
	n, err := strconv.Atoi(code)
	if err != nil || len(code) != 3 || n < 200 || n > 999 || strings.IndexByte(s, 0) >= 0 || strings.IndexByte(s, '\r') >= 0 {
		return fmt.Errorf("%s is not a final status, such as 404 Not Found", excerpt([]byte(s)))
	}
	h.status, h.line = n, s
	return nil
}

// field parses a line of the head (RFC 9110, 5.1 and 5.5).
func field(line []byte) (name, value string, err error) {
	if line[0] == ' ' || line[0] == '\t' {
		return "", "", errors.New("a header is continued on a second line, which is obsolete (RFC 9110, 5.5)")
	}
	n, v, ok := bytes.Cut(line, []byte(":"))
	if !ok {
		return "", "", errors.New(`is not a header "Name: value"; the body must follow an empty line`)
	}
	for _, c := range n {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return "", "", errors.New("invalid name of a header")
		}
	}
	if len(n) == 0 {
		return "", "", errors.New("invalid name of a header")
	}
	if bytes.IndexByte(v, 0) >= 0 || bytes.IndexByte(v, '\r') >= 0 {
		return "", "", errors.New("the value contains a NUL or a CR")
	}
	return string(n), string(bytes.Trim(v, " \t")), nil
}

// saidBytes limits the output of a program in the log.
const saidBytes = 4 << 10

// said returns the beginning of a program's output for the log, indented, and without control
// characters that could end the entry or control a terminal.
func said(p []byte) string {
	if len(p) == 0 {
		return ""
	}
	more := ""
	if len(p) > saidBytes {
		p, more = p[:saidBytes], "\n  ..."
	}
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(string(p), "\r\n"), "\n") {
		b.WriteString("\n  " + printable(strings.ReplaceAll(strings.TrimSuffix(line, "\r"), "\t", "        ")))
	}
	return ". Its output:" + b.String() + more
}

const excerptBytes = 100

// excerpt quotes the beginning of p for the log.
func excerpt(p []byte) string {
	if len(p) > excerptBytes {
		return strconv.QuoteToASCII(string(p[:excerptBytes])) + "..."
	}
	return strconv.QuoteToASCII(string(p))
}
