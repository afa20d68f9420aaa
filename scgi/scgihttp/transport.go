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
	// Mount is the prefix of the application's paths, "" for all. It is sent as SCRIPT_NAME.
	Mount string
	// Params are sent with each request, after its own variables: such as REMOTE_USER or UNIQUE_ID, for
	// which an http.Request has no header.
	Params []scgi.Header
	// MaxBuffer is the size in bytes of the largest body of unknown length. SCGI sends the length first,
	// so that such a body is stored in a temporary file. Default: 1 GiB.
	MaxBuffer int64
	// MaxHeaderBytes is the size in bytes of the largest response head. Default: 1 MiB.
	MaxHeaderBytes int
}

// Errors of a [Transport]; the error of RoundTrip wraps them.
var (
	// ErrNoHead: the application closed or reset the connection before the response head was complete.
	ErrNoHead = errors.New("the application sent no response head")
	// ErrHeadTooLarge: the response head exceeds MaxHeaderBytes.
	ErrHeadTooLarge = errors.New("the response head is too large")
	// ErrHead: the response head is malformed.
	ErrHead = errors.New("the response head is malformed")
	// ErrBodyTooLarge: a body of unknown length exceeds MaxBuffer.
	ErrBodyTooLarge = errors.New("the request body of unknown length is too large")
)

// RoundTrip sends a request and reads the head of its response. Reading the response's body fails with
// io.ErrUnexpectedEOF if it is shorter than its Content-Length, with the error of a reset connection, or with
// that of the context.
//
// As with http.Transport, the body of a response with status 101 is an io.ReadWriteCloser: the connection, by
// the protocol that the request has named in Upgrade.
//
// RoundTrip may return before the request's body is read and closed: an application can respond before it has
// all of it.
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
	// A cancelled context closes the connection, which is how SCGI cancels a request.
	stop := context.AfterFunc(r.Context(), func() { conn.Close() })
	s := &sending{conn: conn}
	go s.send(header, body, length)
	resp, err := readResponse(r, conn, t.MaxHeaderBytes)
	if err != nil {
		stop()
		sendErr := s.err.Load() // after Close it may be that one's
		conn.Close()
		switch {
		case r.Context().Err() != nil:
			err = r.Context().Err()
		case sendErr != nil:
			// The error of sending explains why there is no response.
			err = fmt.Errorf("%w (sending the request: %w)", err, *sendErr)
		}
		return nil, fmt.Errorf("scgi: %w", err)
	}
	received := &responseBody{body: resp.Body, conn: conn, ctx: r.Context(), stop: stop}
	if resp.Body = received; resp.StatusCode == http.StatusSwitchingProtocols {
		resp.Body = tunnel{received}
	}
	return resp, nil
}

// sending sends a request.
type sending struct {
	conn net.Conn
	err  atomic.Pointer[error] // why sending failed
}

func (s *sending) send(header []byte, body io.ReadCloser, length int64) {
	defer body.Close()
	if _, err := s.conn.Write(header); err != nil {
		s.err.Store(&err)
		return // there may still be a response: an error page
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
		s.conn.Close() // the application would wait for the rest
	case src.err != nil && errors.Is(err, src.err):
		s.err.Store(&err)
		s.conn.Close()
	default:
		s.err.Store(&err)
	}
}

// source records the error of reading.
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

// responseBody closes the connection, which also ends sending the request.
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

// tunnel is a connection after the response that ended HTTP on it.
type tunnel struct{ *responseBody }

func (t tunnel) Write(p []byte) (int, error) { return t.conn.Write(p) }

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
	_ = os.Remove(f.Name()) // it exists until it is closed
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
