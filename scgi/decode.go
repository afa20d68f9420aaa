package scgi

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"time"
)

// minRequest is the length of the shortest request, `24:CONTENT_LENGTH<00>0<00>SCGI<00>1<00>,`: that many
// bytes can be read before the length is known.
const minRequest = 28

// deadliner is implemented by net.Conn, os.File and Conn; other readers are read without a time limit.
type deadliner interface{ SetReadDeadline(time.Time) error }

// Peeker is a connection whose next bytes can be read without consuming them. The last byte of a request
// is left unread in such a connection: closing it is a reset then, which distinguishes a truncated
// response from a complete one ([Conn.Finish], [Conn.Close]).
type Peeker interface{ Peek(p []byte) (int, error) }

// ReadRequest reads exactly one request, header and body; a nil lim has all defaults. The error is io.EOF
// for a connection closed without a byte, a [RequestError] for every other error of the sender, or the
// error of storing the body.
func ReadRequest(r io.Reader, lim *Limits) (*Request, error) {
	req, err := ReadHeader(r, lim)
	if err != nil {
		return nil, err
	}
	return req, req.ReadBody(r, lim)
}

// ReadHeader reads exactly the header of a request; a nil lim has all defaults. The errors are those of
// [ReadRequest]. [Request.ReadBody] must follow on the same reader.
func ReadHeader(r io.Reader, lim *Limits) (*Request, error) {
	if lim == nil {
		lim = &Limits{}
	}
	if d, ok := r.(deadliner); ok {
		// A reader that has no deadlines after all (a pipe) is read without one.
		if d.SetReadDeadline(time.Now().Add(orDefault(lim.HeaderTimeout, DefaultHeaderTimeout))) == nil {
			defer d.SetReadDeadline(time.Time{})
		}
	}
	req := new(Request)
	size, digits, err := req.readLength(r, orDefault(lim.HeaderBytes, DefaultHeaderBytes))
	if err != nil {
		return nil, err
	}

	block := make([]byte, size+1) // with the comma
	have := copy(block, req.first[digits+1:])
	if have < size {
		if _, err := io.ReadFull(r, block[have:size]); err != nil {
			return nil, headerError(err)
		}
	}
	if err := req.parse(block[:size], orDefault(lim.Headers, DefaultHeaders)); err != nil {
		return nil, err
	}
	if have <= size {
		read := readFull
		switch {
		case req.empty:
			read = readOnly
		case req.ContentLength == 0:
			read = readLast
		}
		if err := read(r, block[size:]); err == ErrBytesFollow {
			return nil, err
		} else if err != nil {
			return nil, headerError(err)
		}
	}
	if block[size] != ',' {
		return nil, ErrComma
	}
	return req, nil
}

// readLength reads the length, with up to minRequest bytes. It fails at the first invalid byte: a client
// of another protocol may be waiting for a response.
func (r *Request) readLength(c io.Reader, max int) (size, digits int, err error) {
	for n := 0; n < len(r.first); {
		m, readErr := c.Read(r.first[n:])
		n += m
		size, digits, err = netstringLength(r.first[:n], max)
		switch {
		case err != nil && err != ErrTruncated:
			return 0, 0, err
		case n == len(r.first):
			return size, digits, err
		case readErr == io.EOF && n == 0:
			return 0, 0, io.EOF
		case readErr != nil:
			return 0, 0, headerError(readErr)
		}
	}
	return size, digits, err
}

// netstringLength parses the decimal length of a netstring, of that many digits.
func netstringLength(b []byte, max int) (size, digits int, err error) {
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			if i == 1 && b[0] == '0' {
				return 0, 0, ErrLeadingZero
			}
			size = size*10 + int(c-'0')
			if size > max {
				return 0, 0, ErrHeaderTooLarge
			}
		case c == ':' && i > 0:
			if i+1+size+1 < minRequest {
				return 0, 0, ErrTooShort
			}
			return size, i, nil
		default:
			return 0, 0, ErrLength
		}
	}
	return 0, 0, ErrTruncated
}

// parse splits the header block into names and values, and checks them.
func (r *Request) parse(block []byte, most int) error {
	if block[len(block)-1] != 0 {
		return ErrUnterminated
	}
	r.block = block
	r.fields = r.inline[:0]
	seen := checks{breaks: bytes.IndexByte(block, '\n') >= 0 || bytes.IndexByte(block, '\r') >= 0}
	for start := 0; start < len(block); {
		n := nameLength(block[start:])
		if n <= 0 {
			return ErrName
		}
		nameEnd := start + n
		v := bytes.IndexByte(block[nameEnd+1:], 0)
		if v < 0 {
			return ErrUnterminated
		}
		valueEnd := nameEnd + 1 + v
		name, value := text(block[start:nameEnd]), text(block[nameEnd+1:valueEnd])
		if len(r.fields) == most {
			return ErrTooManyHeaders
		}
		if start == 0 {
			length, ok := parseLength(value)
			switch {
			case name != "CONTENT_LENGTH":
				return ErrNoContentLength
			case !ok:
				return ErrContentLength
			}
			r.ContentLength = length
		} else if err := r.check(name, value, &seen); err != nil {
			return err
		}
		r.fields = append(r.fields, field{uint32(nameEnd), uint32(valueEnd)})
		start = valueEnd + 1
	}
	if seen.scgi != "1" {
		return ErrNoSCGI
	}
	return r.settle(&seen.lengths)
}

// checks is the state of checking a header block.
type checks struct {
	breaks bool   // there is a line break somewhere
	scgi   string // the value of SCGI
	lengths
}

// check checks a header other than the first one, and records the length of the body and the protocol. Its
// first byte or its length distinguishes nearly every other name.
func (r *Request) check(name, value string, seen *checks) error {
	switch {
	case name[0] == 'C' && name == "CONTENT_LENGTH":
		if n, ok := parseLength(value); value != "" && (!ok || n != r.ContentLength) {
			return ErrRepeated
		}
		seen.none = value == "" // the last one counts, as for every other parameter
	case name[0] == 'S' && name == "SCGI":
		seen.scgi = value
	case name[0] == 'H' && len(name) >= 5 && name[:5] == "HTTP_":
		switch {
		case !isToken(name[5:]):
			return ErrHeaderName
		case seen.breaks && strings.ContainsAny(value, "\r\n"):
			return ErrValue
		case len(name) == 9 && name == "HTTP_HOST" && !isHost(value):
			return ErrHost
		case len(name) == 19 && name == "HTTP_CONTENT_LENGTH":
			return seen.client(value)
		}
	default:
		return checkMeta(name, value, seen.breaks)
	}
	return nil
}

// nameLength returns the length of the name at the beginning of b, or -1 if it is invalid.
func nameLength(b []byte) int {
	n := bytes.IndexByte(b, 0)
	if n < 0 || !isName(b[:n]) {
		return -1
	}
	return n
}

// isName reports whether b has visible ASCII characters only, without "=", which would end the name of an
// environment variable. It checks eight bytes at a time: bit 7 of a byte marks an invalid one.
func isName(b []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(b) >= 8 {
		x := binary.LittleEndian.Uint64(b)
		control := (x - 0x21*ones) &^ x // below "!"
		beyond := (x + ones) | x        // DEL and above
		e := x ^ '='*ones
		equals := (e - ones) &^ e
		if (control|beyond|equals)&highs != 0 {
			return false
		}
		b = b[8:]
	}
	for _, c := range b {
		if c <= ' ' || c >= 0x7f || c == '=' {
			return false
		}
	}
	return true
}

func parseLength(s string) (int64, bool) {
	if s == "" || len(s) > 18 { // 18 digits can't overflow
		return 0, false
	}
	var n int64
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, n < math.MaxInt64
}

func readFull(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	return err
}

// readLast reads the last byte of a request, which a Peeker keeps.
func readLast(r io.Reader, p []byte) error {
	if k, ok := r.(Peeker); ok {
		n, err := k.Peek(p)
		if n == 0 && err == nil {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	return readFull(r, p)
}

// readOnly reads the last byte of a request that declares no body, and fails if more bytes follow.
func readOnly(r io.Reader, p []byte) error {
	k, ok := r.(Peeker)
	if !ok {
		return readFull(r, p)
	}
	var seen [2]byte
	n, err := k.Peek(seen[:])
	switch {
	case err != nil:
		return err
	case n == 0:
		return io.ErrUnexpectedEOF
	case n > 1:
		return ErrBytesFollow
	}
	p[0] = seen[0]
	return nil
}

func headerError(err error) error {
	return senderError(err, ErrTruncated, ErrHeaderTimeout)
}

// senderError maps the error of a read to one of the sender, also for a reset.
func senderError(err error, truncated, timeout *RequestError) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return timeout
	}
	return truncated
}
