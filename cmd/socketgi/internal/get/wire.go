package get

import (
	"context"
	"io"
	"net"
	"time"
)

// wire is the connection of one request.
type wire struct {
	network, address string
	timeout          time.Duration // without data; 0 for no limit
	copy             io.Writer     // receives all data, unless nil

	conn net.Conn
}

// dial opens it.
func (w *wire) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: w.timeout}
	conn, err := d.DialContext(ctx, w.network, w.address)
	if err != nil {
		return nil, err
	}
	w.conn = conn
	// The transport's Close is not always one.
	context.AfterFunc(ctx, func() { conn.Close() })
	return wireConn{conn, w}, nil
}

// wireConn is the connection of the transport.
type wireConn struct {
	net.Conn
	w *wire
}

func (c wireConn) Read(p []byte) (int, error) {
	if c.w.timeout > 0 {
		_ = c.SetReadDeadline(time.Now().Add(c.w.timeout))
	}
	n, err := c.Conn.Read(p)
	if c.w.copy != nil {
		if _, err := c.w.copy.Write(p[:n]); err != nil {
			return n, err
		}
	}
	return n, err
}

// Close keeps the connection open until the rest of it is copied, unless the request was cancelled.
func (c wireConn) Close() error {
	if c.w.copy != nil {
		return nil
	}
	return c.Conn.Close()
}

// rest copies what the transport has not read.
func (w *wire) rest() error {
	if w.conn == nil {
		return nil
	}
	defer w.conn.Close()
	_, err := io.Copy(io.Discard, wireConn{w.conn, w})
	return err
}
