package worker

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/scgi"
)

// mutator makes requests of those that web servers have sent.
type mutator struct {
	*rand.Rand
	seeds         []seed
	names, values []string
}

type seed struct {
	headers []scgi.Header
	body    []byte
}

func newMutator(t testing.TB, n uint64) *mutator {
	m := &mutator{Rand: rand.New(rand.NewPCG(n, 1)), names: slices.Clone(laneNames), values: slices.Clone(laneValues)}
	for _, s := range webServers(t) {
		block, body := cutWire(s.wire)
		var headers []scgi.Header
		parts := strings.Split(string(block), "\x00")
		for i := 0; i+1 < len(parts); i += 2 {
			headers = append(headers, scgi.Header{Name: parts[i], Value: parts[i+1]})
			m.names = append(m.names, parts[i])
			m.values = append(m.values, parts[i+1])
		}
		m.seeds = append(m.seeds, seed{headers, body})
	}
	return m
}

// Names and values of the rules, valid and invalid.
var (
	laneNames = []string{"", "A", "A=B", "A B", "Ä", "HTTP_", "HTTP_A", "HTTP_A(B", "HTTP_A:B", "HTTPA", "http_a", "AUTH_TYPE", "CONTENT_LENGTH", "CONTENT_TYPE",
		"DOCUMENT_ROOT", "DOCUMENT_URI", "GATEWAY_INTERFACE", "HTTP_CONTENT_LENGTH", "HTTP_CONTENT_TYPE", "HTTP_COOKIE", "HTTP_HOST", "HTTP_PROXY",
		"HTTP_TRANSFER_ENCODING", "HTTP_X_A", "HTTP_X_PROBE", "HTTPS", "PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING", "REMOTE_ADDR", "REMOTE_USER",
		"REQUEST_METHOD", "REQUEST_SCHEME", "REQUEST_URI", "SCGI", "SCRIPT_FILENAME", "SCRIPT_NAME", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL",
		"SERVER_SOFTWARE", "UNIQUE_ID", "wsgi.input", "X\x7f", "X~", "!", strings.Repeat("N", 99), strings.Repeat("N", 120)}
	laneValues = []string{"", "", "", "0", "1", "01", "+1", "-1", " 1", "1 ", "1_0", "10", "007", "²", "18446744073709551616", "on", "https", "/", "//", "/app", "/app/",
		"/apple", "/app/x", "/app//x", "/app?q", "/x", "x", "/a b", "/%41%zz%00", "é", "\xff", "a\nb", "a\r\nb", "\n", "\r", "\x1b", "\x7f", "\t", "\x80", "\xa0", "\xad",
		"HTTP/1.0", "HTTP/1.1", "HTTP/2.0", "HTTP/2", "HTTP/x", "HTTP", "http/1.1", "INCLUDED", "GET", "get", "G T", "HEAD", "PROPFIND", "M\xc3\xa9",
		"example.com", "example.com:80", "[::1]:8080", "a b", "a/b", "a\\b", "a^b", "a?b", "a#b", "a%b", "a\"b", "<a>", "a|b", "{a}", "a`b", "_", "~", "@", "é.example",
		"proxy:scgi://x/app/x", "/var/www/html", "a=1, b=2", "a=1; b=2", "nginx/1.29.6", strings.Repeat("h", 100), strings.Repeat("h", 300)}
)

const laneBytes = "\x00\t\n\r \x1f!=()/:;<>?@[]{}\\^`|~\x7f\x80\xa0\xff"

func (m *mutator) pick(list []string) string { return list[m.IntN(len(list))] }

// request returns a request that is changed in no, one or several places.
func (m *mutator) request() []byte {
	s := m.seeds[m.IntN(len(m.seeds))]
	s.headers, s.body = slices.Clone(s.headers), slices.Clone(s.body)
	for range m.IntN(4) {
		m.change(&s)
	}
	if m.IntN(20) > 0 && len(s.headers) > 0 { // mostly it is right
		s.headers[0].Value = strconv.Itoa(len(s.body))
	}
	if m.IntN(8) == 0 {
		return m.damage(s.wire())
	}
	return s.wire()
}

func (s *seed) wire() []byte {
	var block []byte
	for _, h := range s.headers {
		block = append(append(append(append(block, h.Name...), 0), h.Value...), 0)
	}
	return frame(block, s.body)
}

// change changes a header, or the body. Those that matter are many, and the first is left alone most times.
func (m *mutator) change(s *seed) {
	n := len(s.headers)
	if n < 2 {
		return
	}
	i, j := 1+m.IntN(n-1), 1+m.IntN(n-1)
	if m.IntN(20) == 0 {
		i = 0
	}
	switch h := &s.headers[i]; m.IntN(13) {
	case 0:
		s.headers[i], s.headers[j] = s.headers[j], s.headers[i]
	case 1:
		s.headers = slices.Insert(s.headers, j, *h)
	case 2:
		s.headers = slices.Insert(s.headers, j, scgi.Header{Name: h.Name, Value: m.pick(m.values)})
	case 3:
		s.headers = slices.Delete(s.headers, i, i+1)
	case 4:
		h.Name = m.pick(m.names)
	case 5:
		h.Value = m.pick(m.values)
	case 6, 7: // one that is there, or not
		s.set(m.pick(m.names), m.pick(m.values))
	case 8:
		s.set(m.pick([]string{"PATH_INFO", "SCRIPT_NAME", "DOCUMENT_URI", "REQUEST_URI"}), m.pick([]string{"", "/", "/app", "/app/", "/apple", "/x", "x", "/app/x"}))
	case 9:
		name := m.pick([]string{"PATH_INFO", "SCRIPT_NAME", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT", "DOCUMENT_URI", "HTTP_HOST"})
		s.headers = slices.DeleteFunc(s.headers, func(h scgi.Header) bool { return h.Name == name })
	case 10:
		h.Value = m.insert(h.Value)
	case 11:
		h.Name = m.insert(h.Name)
	case 12:
		s.body = []byte(m.pick(m.values) + m.pick(m.values))
		if m.IntN(2) == 0 {
			s.set("HTTP_CONTENT_LENGTH", strconv.Itoa(len(s.body)))
		}
	}
}

// set sets the value of the last header of this name, or adds the header.
func (s *seed) set(name, value string) {
	for i := len(s.headers) - 1; i >= 0; i-- {
		if s.headers[i].Name == name {
			s.headers[i].Value = value
			return
		}
	}
	s.headers = append(s.headers, scgi.Header{Name: name, Value: value})
}

// insert puts a byte, mostly one that a rule is about, somewhere.
func (m *mutator) insert(text string) string {
	c := byte(m.IntN(256))
	if m.IntN(2) == 0 {
		c = laneBytes[m.IntN(len(laneBytes))]
	}
	at := m.IntN(len(text) + 1)
	return text[:at] + string([]byte{c}) + text[at:]
}

// damage breaks what is around the header block.
func (m *mutator) damage(wire []byte) []byte {
	block, body := cutWire(wire)
	n, digits := len(block), bytes.IndexByte(wire, ':')
	comma := digits + 1 + n
	switch m.IntN(10) {
	case 0:
		return wire[:m.IntN(len(wire))]
	case 1:
		return append(wire, m.pick(m.values)...)
	case 2:
		return append([]byte(m.pick([]string{"0", "+", " ", "-", "0_", "00", ":", ","})), wire...)
	case 3:
		return slices.Insert(wire, digits, []byte(m.pick([]string{" ", "\n", "_0", ":", "0", "\xb2"}))...)
	case 4:
		return append(strconv.AppendInt(nil, int64(n+m.IntN(5)-2), 10), wire[digits:]...)
	case 5:
		wire[comma] = byte(m.IntN(256))
	case 6:
		wire[comma-1] = byte(m.IntN(256))
	case 7:
		return append(append(strconv.AppendInt(nil, int64(n-1), 10), wire[digits:comma-1]...), wire[comma:]...) // without the last NUL
	case 8:
		wire[m.IntN(len(wire))] = byte(m.IntN(256))
	case 9: // a name without a value
		return frame(slices.Concat(block, []byte(m.pick(m.names)), make([]byte, 1+m.IntN(2))), body)
	}
	return wire
}

// cutWire returns the header block and the body of a request.
func cutWire(wire []byte) (block, body []byte) {
	digits, rest, _ := bytes.Cut(wire, []byte{':'})
	n, _ := strconv.Atoi(string(digits))
	return rest[:n], rest[n+1:]
}

// frame makes a request of a header block and a body.
func frame(block, body []byte) []byte {
	wire := append(strconv.AppendInt(nil, int64(len(block)), 10), ':')
	return append(append(append(wire, block...), ','), body...)
}
