package scgihttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/socketgi/socketgi/scgi"
)

// Transport is an http.RoundTripper that sends each request over a connection of
// its own, as SCGI has it. Its zero value needs an Address or a Dial.
type Transport struct {
	// Address is where the application listens: "unix:/PATH" or "tcp:HOST:PORT".
	Address string
	// Dial opens the connection for one request, in place of Address.
	Dial func(context.Context) (net.Conn, error)
	// Mount is the prefix of the application's paths, "" for all: what is sent as
	// SCRIPT_NAME.
	Mount string
	// Params are sent with each request, behind what is made of it: variables that no
	// header of an http.Request stands for, such as REMOTE_USER or UNIQUE_ID.
	Params []scgi.Header
	// MaxBuffer is the largest body of unknown length that is accepted, in bytes;
	// SCGI needs the length first, so such a body is written to a temporary file.
	// Default 1 GiB.
	MaxBuffer int64
	// MaxHeaderBytes is the largest response head, in bytes. Default 1 MiB.
	MaxHeaderBytes int
}

// Errors of a [Transport]; the error of RoundTrip wraps them.
var (
	// ErrNoHead says that the application closed or reset the connection without a
	// whole response head.
	ErrNoHead = errors.New("the application sent no response head")
	// ErrHeadTooLarge says that the response head is longer than MaxHeaderBytes.
	ErrHeadTooLarge = errors.New("the response head is too large")
	// ErrHead says that what was sent is no response head.
	ErrHead = errors.New("the response head is malformed")
	// ErrBodyTooLarge says that a body of unknown length is longer than MaxBuffer.
	ErrBodyTooLarge = errors.New("the request body of unknown length is too large")
)

// RoundTrip sends a request and reads the head of its response. Reading the
// response's body fails with io.ErrUnexpectedEOF when the application stops short
// of its Content-Length, with the connection's error when that is reset, and with
// the context's error when that is done.
//
// The request's body may be read and closed after RoundTrip has returned: an
// application may answer before it has all of it.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	body, length, err := t.requestBody(r)
	if err != nil {
		return nil, err
	}
	header, err := scgi.AppendRequest(nil, length, t.params(r))
	if err != nil {
		body.Close()
		return nil, err
	}
	conn, err := t.dial(r.Context())
	if err != nil {
		body.Close()
		return nil, err
	}
	// Whoever stops waiting closes the connection: that is what SCGI has for it.
	stop := context.AfterFunc(r.Context(), func() { conn.Close() })
	s := &sending{conn: conn}
	go s.send(header, body, length)
	resp, err := readResponse(r, conn, t.MaxHeaderBytes)
	if err != nil {
		stop()
		conn.Close()
		switch sendErr := s.err.Load(); {
		case r.Context().Err() != nil:
			err = r.Context().Err()
		case sendErr != nil:
			// What went wrong with sending explains why there is no response.
			err = fmt.Errorf("%w (sending the request: %w)", err, *sendErr)
		}
		return nil, fmt.Errorf("scgi: %w", err)
	}
	resp.Body = &responseBody{body: resp.Body, conn: conn, ctx: r.Context(), stop: stop}
	return resp, nil
}

// sending is a request on its way.
type sending struct {
	conn net.Conn
	err  atomic.Pointer[error] // why it didn't arrive
}

func (s *sending) send(header []byte, body io.ReadCloser, length int64) {
	defer body.Close()
	if _, err := s.conn.Write(header); err != nil {
		s.err.Store(&err)
		return // there may be a response all the same: an error page
	}
	if length == 0 {
		return
	}
	src := &source{Reader: body}
	_, err := io.CopyN(s.conn, src, length)
	switch {
	case err == nil:
	case err == io.EOF:
		err = fmt.Errorf("%w: the body is shorter than its length of %d bytes", io.ErrUnexpectedEOF, length)
		s.err.Store(&err)
		s.conn.Close() // the application would wait for the rest for ever
	case src.err != nil && errors.Is(err, src.err):
		s.err.Store(&err)
		s.conn.Close()
	default:
		s.err.Store(&err)
	}
}

// source remembers how reading ended.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil {
		s.err = err
	}
	return n, err
}

// responseBody closes the connection, and the sending of the request with it.
type responseBody struct {
	body io.Reader
	conn net.Conn
	ctx  context.Context
	stop func() bool
	once sync.Once
	err  error
}

func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil && err != io.EOF && b.ctx.Err() != nil {
		err = b.ctx.Err() // which is why the connection is closed
	}
	return n, err
}

func (b *responseBody) Close() error {
	b.once.Do(func() {
		b.stop()
		b.err = b.conn.Close()
		if errors.Is(b.err, net.ErrClosed) { // when the context was done
			b.err = nil
		}
	})
	return b.err
}

func (t *Transport) dial(ctx context.Context) (net.Conn, error) {
	if t.Dial != nil {
		return t.Dial(ctx)
	}
	network, address, ok := strings.Cut(t.Address, ":")
	if !ok || network != "unix" && network != "tcp" {
		return nil, fmt.Errorf("scgi: address %q is neither unix:/PATH nor tcp:HOST:PORT", t.Address)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

// requestBody returns a body of known length.
func (t *Transport) requestBody(r *http.Request) (io.ReadCloser, int64, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return http.NoBody, 0, nil
	}
	if r.ContentLength > 0 { // 0 is unknown, too, where there is a body (http.Request.ContentLength)
		return r.Body, r.ContentLength, nil
	}
	defer r.Body.Close()
	most := t.MaxBuffer
	if most == 0 {
		most = 1 << 30
	}
	f, err := os.CreateTemp("", "scgihttp-body-")
	if err != nil {
		return nil, 0, err
	}
	_ = os.Remove(f.Name()) // it lives as long as it is open
	n, err := io.Copy(f, io.LimitReader(r.Body, most+1))
	if err == nil && n > most {
		err = fmt.Errorf("scgi: %w: over %d bytes", ErrBodyTooLarge, most)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, n, nil
}
