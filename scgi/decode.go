package scgi

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"time"
	"unsafe"
)

// minRequest is the length of the shortest request there is,
// `24:CONTENT_LENGTH<00>0<00>SCGI<00>1<00>,`: so many bytes can be read before
// the length is known without taking one that may not be part of the request.
const minRequest = 28

// deadliner is what net.Conn, os.File and Conn have; a reader without it is
// read without a time limit.
type deadliner interface{ SetReadDeadline(time.Time) error }

// Peeker is a connection whose next bytes can be seen without taking them.
// From such a connection everything is taken but the very last byte of the
// request, which is seen and left where it is: a socket that is closed while it
// holds a byte that nobody read resets the connection. So a response that
// breaks off can be told from one that ends ([Conn.Finish], [Conn.Close]).
type Peeker interface{ Peek(p []byte) (int, error) }

// ReadRequest reads one request, header and body, and not one byte more. A
// connection that is closed without having sent anything gives io.EOF; every
// other fault of the sender a [RequestError]; a body that can't be stored,
// that error.
func ReadRequest(r io.Reader, lim *Limits) (*Request, error) {
	req, err := ReadHeader(r, lim)
	if err != nil {
		return nil, err
	}
	return req, req.ReadBody(r, lim)
}

// ReadHeader reads the header of a request, and not one byte of its body.
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
	n, err := io.ReadFull(r, req.first[:])
	size, digits, bad := netstringLength(req.first[:n], orDefault(lim.HeaderBytes, DefaultHeaderBytes))
	if bad != nil && bad != ErrTruncated {
		return nil, bad // more telling than how the connection ended
	}
	if err == io.EOF {
		return nil, io.EOF
	}
	if err == nil {
		err = bad
	}
	if err != nil {
		return nil, headerError(err)
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
		if req.ContentLength == 0 {
			read = readLast
		}
		if err := read(r, block[size:]); err != nil {
			return nil, headerError(err)
		}
	}
	if block[size] != ',' {
		return nil, ErrComma
	}
	return req, nil
}

// netstringLength reads the decimal length in front of a netstring; digits is
// how many bytes it takes without the colon.
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

// parse cuts the header block into names and values. They share the memory of
// the block, which nobody writes to from here on.
func (r *Request) parse(block []byte, most int) error {
	if block[len(block)-1] != 0 {
		return ErrUnterminated
	}
	r.Header = r.inline[:0]
	scgi := ""
	for len(block) > 0 {
		n := nameLength(block)
		if n <= 0 {
			return ErrName
		}
		name := unsafe.String(&block[0], n)
		rest := block[n+1:]
		v := bytes.IndexByte(rest, 0)
		if v < 0 {
			return ErrUnterminated
		}
		var value string
		if v > 0 {
			value = unsafe.String(&rest[0], v)
		}
		if len(r.Header) == most {
			return ErrTooManyHeaders
		}
		switch {
		case len(r.Header) == 0:
			if name != "CONTENT_LENGTH" {
				return ErrNoContentLength
			}
			length, ok := parseLength(value)
			if !ok {
				return ErrContentLength
			}
			r.ContentLength = length
		case name[0] == 'C' && name == "CONTENT_LENGTH":
			return ErrRepeated
		case name[0] == 'S' && name == "SCGI":
			scgi = value
		case name[0] == 'H' && len(name) > 5 && name[:5] == "HTTP_":
			if err := r.checkClientHeader(name, value, rest[:v]); err != nil {
				return err
			}
		}
		r.Header = append(r.Header, Header{name, value})
		block = rest[v+1:]
	}
	if scgi != "1" {
		return ErrNoSCGI
	}
	return nil
}

// checkClientHeader refuses what no web server could have parsed as one header
// line, and a body that was cut on its way.
func (r *Request) checkClientHeader(name, value string, b []byte) error {
	for _, c := range b {
		if c == '\n' || c == '\r' {
			return ErrValue
		}
	}
	if len(name) == 19 && name == "HTTP_CONTENT_LENGTH" {
		if n, ok := parseLength(value); !ok || n != r.ContentLength {
			return ErrCutBody
		}
	}
	return nil
}

// nameLength returns the length of the name at the head of b, or -1 when it is
// not a name. "=" would end a variable's name in a process environment.
func nameLength(b []byte) int {
	for i, c := range b {
		if c <= ' ' || c >= 0x7f || c == '=' {
			if c == 0 {
				return i
			}
			return -1
		}
	}
	return -1
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

func headerError(err error) error {
	return senderError(err, ErrTruncated, ErrHeaderTimeout)
}

// senderError translates how a read ended into what the sender did wrong. A
// reset is the sender's, too: it left.
func senderError(err error, truncated, timeout *RequestError) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return timeout
	}
	return truncated
}
