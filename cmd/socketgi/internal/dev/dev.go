// Package dev serves an application for its developer, each request in a process of its own.
package dev

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/scgi/scgihttp"
)

// Server serves an application over HTTP.
type Server struct {
	// Listen is HOST:PORT.
	Listen string
	// Mount is the prefix of the application's paths, "" for all.
	Mount string
	// App is what the operator called it, and Python the one that runs it, "" for none.
	App, Python string
	// Command is the adapter with its arguments, which is run for each request.
	Command []string
}

// Serve serves until ctx is done. It prints the URL to out.
func (s *Server) Serve(ctx context.Context, out io.Writer) error {
	l, err := net.Listen("tcp", s.Listen)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%s is in use by another program: use --listen HOST:PORT", s.Listen)
		}
		return err
	}
	python := ""
	if s.Python != "" {
		python = "Python: " + s.Python + "\n"
	}
	fmt.Fprintf(out, "serving %s, each request in a fresh process; stop with Ctrl-C\n"+
		"open http://%s%s/\n%s"+
		"your own: socketgi dev FILE.py | FILE.py:CALLABLE | package.module:CALLABLE\n", s.App, l.Addr(), s.Mount, python)

	spawner := newSpawner(s.Command)
	srv := &http.Server{
		Handler:           handler(s.Mount, &transport{scgihttp.Transport{Dial: spawner.dial, Mount: s.Mount}}),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		err = nil
	}
	srv.Close()
	spawner.end()
	return err
}

// Cache is the directory of cached code, "" without a home directory.
func Cache() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir += "/socketgi"
	if os.MkdirAll(dir, 0o700) != nil || os.Geteuid() == 0 && access.WritableByOthers(dir) != "" {
		return ""
	}
	return dir
}
