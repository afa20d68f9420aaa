package scgi

import (
	"errors"
	"strconv"
	"strings"
)

// ErrEncode is returned for headers that can't be encoded: an empty or invalid name, a NUL in a value, or
// CONTENT_LENGTH or SCGI given by the caller of [AppendRequest].
var ErrEncode = errors.New("scgi: a header can't be encoded")

// AppendHeader appends the netstring of the headers. For a request that [ReadRequest] accepted it
// reproduces the same bytes.
func AppendHeader(dst []byte, header []Header) []byte {
	n := 0
	for _, h := range header {
		n += len(h.Name) + len(h.Value) + 2
	}
	dst = strconv.AppendInt(dst, int64(n), 10)
	dst = append(dst, ':')
	for _, h := range header {
		dst = append(dst, h.Name...)
		dst = append(dst, 0)
		dst = append(dst, h.Value...)
		dst = append(dst, 0)
	}
	return append(dst, ',')
}

// AppendRequest appends a request header: CONTENT_LENGTH and SCGI first, as the specification requires,
// then the given headers. The body of contentLength bytes follows it on the wire. With an error,
// [ErrEncode], nothing is appended.
func AppendRequest(dst []byte, contentLength int64, header []Header) ([]byte, error) {
	if contentLength < 0 {
		return dst, ErrEncode
	}
	all := make([]Header, 0, len(header)+2)
	all = append(all, Header{"CONTENT_LENGTH", strconv.FormatInt(contentLength, 10)}, Header{"SCGI", "1"})
	for _, h := range header {
		if h.Name == "" || !isName([]byte(h.Name)) ||
			strings.IndexByte(h.Value, 0) >= 0 || h.Name == "CONTENT_LENGTH" || h.Name == "SCGI" {
			return dst, ErrEncode
		}
		all = append(all, h)
	}
	return AppendHeader(dst, all), nil
}
