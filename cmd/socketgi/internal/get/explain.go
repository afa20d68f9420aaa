package get

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/hint"
	"github.com/socketgi/socketgi/scgi/scgihttp"
)

// why explains an error, with the command that corrects it.
func (g *Request) why(err error) error {
	unit, logs := "", "read the application's log"
	if g.App != nil {
		unit = g.App.Socket.Name
		logs = hint.Socketgi(g.Host, "logs "+g.App.Name)
	}
	var op *net.OpError
	dialing := errors.As(err, &op) && op.Op == "dial"
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, net.ErrClosed):
		return errors.New("interrupted before the response was complete")
	case dialing && (errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist)):
		if unit == "" {
			return fmt.Errorf("nothing listens at %s", g.Address)
		}
		return fmt.Errorf("nothing listens at %s: %s start %s", g.Address, hint.Systemctl(g.Host), unit)
	case dialing && errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("permission denied to connect to %s: only %s may", g.Address, g.mayConnect())
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("no data for %s: %s; or use a longer --timeout", adapter.FormatDuration(g.Timeout), logs)
	case errors.Is(err, scgihttp.ErrNoHead):
		return fmt.Errorf("the connection was closed without a response: %s", logs)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Errorf("the connection was reset: %s", logs)
	}
	return err
}

// mayConnect lists the users that may connect to a unix socket.
func (g *Request) mayConnect() string {
	info, err := os.Stat(g.Address)
	if err != nil { // nor see it
		if g.App != nil && g.App.Socket.Get("Socket", "SocketGroup") != "" {
			return "root and the group " + g.App.Socket.Get("Socket", "SocketGroup")
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
