package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/get"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// exitFailed is curl's exit status for --fail.
const exitFailed = 22

func newGet() *cobra.Command {
	var g get.Request
	var listen string
	var fail bool
	cmd := &cobra.Command{
		Use:   "get NAME PATH | get --listen ADDRESS PATH",
		Short: "Send one request to an application, without a web server",
		Long: `Send one SCGI request to an application's socket, as a web server does, and
print the body of the response. PATH is relative to the application's prefix
(--mount), and may have a query.

Exit status: 0 for a complete response, whatever its status; 22 for a status of
400 or more with --fail; 1 for no response, or an incomplete one.`,
		Example: "  socketgi get hello /\n  socketgi get hello '/search?q=x' -i\n" +
			"  socketgi get hello /form -d 'name=value' -H 'Cookie: session=1'\n  socketgi get --listen 127.0.0.1:9000 / --raw",
		Args: func(cmd *cobra.Command, args []string) error {
			if listen != "" {
				return words("PATH")(cmd, args)
			}
			return words("NAME", "PATH")(cmd, args)
		},
		ValidArgsFunction: completeNamesAt(&g.Host),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			g.Path, g.HasData = args[len(args)-1], cmd.Flags().Changed("data")
			if listen == "" {
				if g.App, err = g.Host.Load(args[0]); err != nil {
					return err
				}
				if g.Network, g.Address, err = g.Host.Address(g.App); err != nil {
					return err
				}
				if !cmd.Flags().Changed("mount") {
					g.Mount = g.App.Adapter.Mount
				}
			} else {
				g.Network, g.Address = host.ParseAddress(listen)
			}
			if err := units.CheckMount(g.Mount); err != nil {
				return err
			}
			ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			status, err := g.Send(ctx, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
			if err == nil && fail && status.Code >= 400 {
				return &exitError{exitFailed, errors.New("status " + plain.Line(status.Text))}
			}
			return err
		},
	}
	defineHost(cmd, &g.Host)
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "", "send it to any program that listens at `ADDRESS`, a path or HOST:PORT")
	f.BoolVar(&fail, "fail", false, "exit with status 22 if the response's status is 400 or more")
	defineRequest(f, &g)
	return cmd
}

// defineRequest defines the flags of the request, most of them named as curl's.
func defineRequest(f *pflag.FlagSet, g *get.Request) {
	f.StringVar(&g.Mount, "mount", "", "prefix of the application, `/PREFIX` (default: as in its units)")
	f.StringVarP(&g.Method, "request", "X", "", "request `METHOD` (default GET, or POST with -d)")
	f.StringVarP(&g.Data, "data", "d", "", "request `BODY`, or @FILE, or @- for standard input")
	f.StringArrayVarP(&g.Headers, "header", "H", nil, "request header, `'NAME: VALUE'`; can be repeated")
	f.BoolVarP(&g.Include, "include", "i", false, "print the status and the headers, and the request's id on standard error")
	f.BoolVar(&g.Raw, "raw", false, "print the response unchanged, with its \"Status:\" line")
	g.Timeout = adapter.DefaultQueueTimeout + adapter.DefaultTimeout + 15*time.Second
	duration(f, &g.Timeout, "timeout", "give up if nothing arrives for `DURATION`; 0 for no limit")
}
