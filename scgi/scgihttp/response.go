package scgihttp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
	"syscall"
)

// readResponse reads the head of a CGI response (RFC 3875, 6): lines that end in CRLF or LF. Status and
// Location determine the status.
func readResponse(r *http.Request, conn io.Reader, most int) (*http.Response, error) {
	if most == 0 {
		most = 1 << 20
	}
	head := &io.LimitedReader{R: conn, N: int64(most)}
	br := bufio.NewReader(head)
	header, err := textproto.NewReader(br).ReadMIMEHeader()
	switch {
	case err == nil:
	case head.N <= 0:
		return nil, fmt.Errorf("%w: over %d bytes", ErrHeadTooLarge, most)
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET):
		return nil, ErrNoHead
	case errors.As(err, new(textproto.ProtocolError)):
		return nil, fmt.Errorf("%w: %w", ErrHead, err)
	default:
		return nil, err
	}
	head.N = 1<<63 - 1 // the body has no limit
	h := http.Header(header)
	if len(h) == 0 { // at least one field is required (RFC 3875, 6.2)
		return nil, fmt.Errorf("%w: it is empty", ErrHead)
	}
	status, err := responseStatus(h, upgrade(r.Header) != "")
	if err != nil {
		return nil, err
	}
	resp := &http.Response{
		Status: status, StatusCode: statusCode(status),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Request: r, ContentLength: -1, Body: io.NopCloser(br),
	}
	if v := h.Values("Content-Length"); len(v) > 0 {
		n, err := strconv.ParseUint(strings.TrimSpace(v[0]), 10, 63)
		if err != nil || len(v) > 1 {
			return nil, fmt.Errorf("%w: Content-Length %q", ErrHead, v)
		}
		resp.ContentLength = int64(n)
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return resp, nil
	}
	if r.Method == http.MethodHead || resp.StatusCode == http.StatusNoContent || resp.StatusCode == http.StatusNotModified {
		resp.Body = http.NoBody
		if r.Method != http.MethodHead && resp.ContentLength < 0 {
			resp.ContentLength = 0
		}
	} else if resp.ContentLength >= 0 {
		resp.Body = io.NopCloser(&boundedBody{br, resp.ContentLength})
	}
	return resp, nil
}

// responseStatus removes Status from the header, and returns it. The default is 302 with a Location, and else
// 200 (RFC 3875, 6.3.3). Of the statuses below 200 only 101 is valid, in a response to a request for another
// protocol.
func responseStatus(h http.Header, upgrades bool) (string, error) {
	s := strings.TrimSpace(h.Get("Status"))
	h.Del("Status")
	switch {
	case s == "" && h.Get("Location") != "":
		return "302 Found", nil
	case s == "":
		return "200 OK", nil
	}
	if statusCode(s) < 200 && !(upgrades && statusCode(s) == http.StatusSwitchingProtocols) || len(s) > 3 && s[3] != ' ' {
		return "", fmt.Errorf("%w: Status %q", ErrHead, s)
	}
	return s, nil
}

func statusCode(s string) int {
	if len(s) < 3 {
		return 0
	}
	n, err := strconv.ParseUint(s[:3], 10, 16)
	if err != nil {
		return 0
	}
	return int(n)
}

// boundedBody ends at Content-Length; an earlier end is an error.
type boundedBody struct {
	r    io.Reader
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if err == io.EOF && b.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}
