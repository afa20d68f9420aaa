package scgihttp

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/socketgi/socketgi/activation"
	"golang.org/x/sys/unix"
)

// This file serves the sockets that the service manager has passed to this process.

func (s *Server) serveHanded() error {
	handed, err := activation.Receive()
	if errors.Is(err, activation.ErrNothing) {
		return fmt.Errorf("scgihttp: %w: this program serves a systemd socket unit or inetd; "+
			"to try it by hand: systemd-socket-activate --listen=/tmp/app.sock PROGRAM", err)
	}
	if err != nil {
		return fmt.Errorf("scgihttp: %w", err)
	}
	if c := handed.Connection; c != nil {
		if handed.Stdin {
			freeOutput(c.FD)
		}
		conn, err := take(c, net.FileConn)
		if err != nil {
			return err
		}
		return s.asService(func(stopping func()) error {
			s.serveOne(conn, &socket{name: c.Name, shared: true})
			stopping()
			return nil
		})
	}
	sockets, err := listeners(handed.Listeners)
	if err != nil {
		return err
	}
	return s.asService(func(stopping func()) error { return s.serve(sockets, stopping) })
}

// serveOne serves the only connection.
func (s *Server) serveOne(c net.Conn, from *socket) {
	s.mu.Lock()
	s.init()
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	s.track(c)
	over := make(chan struct{})
	go func() { // a handler may end its goroutine
		defer close(over)
		s.serveConn(c, from)
	}()
	<-over
}

func listeners(handed []activation.Socket) (sockets []*socket, err error) {
	for i := range handed {
		l, err := take(&handed[i], net.FileListener) // closing it doesn't unlink a unix socket
		if err != nil {
			for _, l := range sockets {
				l.Close()
			}
			return nil, err
		}
		sockets = append(sockets, &socket{Listener: l, name: handed[i].Name})
	}
	return sockets, nil
}

// take converts a descriptor to a connection or listener of package net, which has a duplicate, and closes
// the descriptor.
func take[T any](s *activation.Socket, of func(*os.File) (T, error)) (T, error) {
	f := os.NewFile(uintptr(s.FD), s.Name)
	defer f.Close()
	t, err := of(f)
	if err != nil {
		err = fmt.Errorf("scgihttp: descriptor %d: %w", s.FD, err)
	}
	return t, err
}

// freeOutput replaces standard output and error by /dev/null if they are the connection, as with inetd:
// print statements must not become a part of the response.
func freeOutput(fd int) {
	for _, out := range []int{1, 2} {
		if !activation.SameFile(out, fd) {
			continue
		}
		if null, err := unix.Open("/dev/null", unix.O_WRONLY|unix.O_CLOEXEC, 0); err == nil {
			_ = unix.Dup3(null, out, 0)
			unix.Close(null)
		}
	}
}
