package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/scgi/scgihttp"
)

// wire is the connection of one request.
type wire struct {
	network, address string
	timeout          time.Duration // without anything read, 0 for ever
	copy             io.Writer     // gets all that is read, if not nil

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

// wireConn is the connection as the transport has it.
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

// Close leaves the connection open while the rest of it is to be copied, unless that is
// no longer wanted.
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

// why says what an error means, and what helps.
func (g *getRequest) why(err error) error {
	systemctl, end := systemctl(g.host)
	unit, logs := "", "the application's log says why"
	if g.app != nil {
		unit = g.app.Socket.Name
		logs = "socketgi logs " + g.app.Name + end + " says why"
	}
	var op *net.OpError
	dialing := errors.As(err, &op) && op.Op == "dial"
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return errors.New("ended before the response was whole")
	case dialing && (errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)):
		if unit == "" {
			return fmt.Errorf("nobody listens at %s", g.address)
		}
		return fmt.Errorf("nobody listens at %s: %s start %s", g.address, systemctl, unit)
	case dialing && errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("you may not connect to %s: %s may", g.address, g.mayConnect())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("nothing came for %v: --timeout waits longer, and %s", g.timeout, logs)
	case errors.Is(err, scgihttp.ErrNoHead):
		return fmt.Errorf("the connection was closed without a response: %s", logs)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the connection was cut: %s", logs)
	}
	return err
}

// mayConnect names those who may connect to a unix socket.
func (g *getRequest) mayConnect() string {
	info, err := os.Stat(g.address)
	if err != nil { // nor see it
		if g.app != nil && g.app.Socket.Get("Socket", "SocketGroup") != "" {
			return "root and the group " + g.app.Socket.Get("Socket", "SocketGroup")
		}
		return "root"
	}
	st := info.Sys().(*syscall.Stat_t)
	who := "root"
	if st.Uid != 0 && info.Mode()&0o200 != 0 {
		who += ", " + account.UserName(st.Uid)
	}
	if info.Mode()&0o020 != 0 {
		who += " and the group " + account.GroupName(st.Gid)
	}
	return who
}
