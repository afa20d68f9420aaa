package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/scgi/scgihttp"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

// exitFailed is curl's exit status for --fail.
const exitFailed = 22

func newGet() *cobra.Command {
	var g getRequest
	var listen string
	cmd := &cobra.Command{
		Use:   "get NAME PATH | get --listen ADDRESS PATH",
		Short: "Send one request to an application, without a web server",
		Long: `Send one SCGI request to an application's socket, as a web server does, and print
the body of the response as it comes. PATH is below the prefix at which the
application lives (--mount), and may have a query.

Exit status: 0 when there was a response, whatever its status; 22 when that was
400 or more and --fail is given; 1 when there was none, or not all of it.`,
		Example: "  socketgi get hello /\n  socketgi get hello '/search?q=x' -i\n" +
			"  socketgi get hello /form -d 'name=value' -H 'Cookie: session=1'\n  socketgi get --listen 127.0.0.1:9000 / --raw",
		Args: func(cmd *cobra.Command, args []string) error {
			if listen != "" {
				return words("PATH")(cmd, args)
			}
			return words("NAME", "PATH")(cmd, args)
		},
		ValidArgsFunction: completeNamesAt(&g.host),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			g.path, g.hasData = args[len(args)-1], cmd.Flags().Changed("data")
			if listen == "" {
				if g.app, err = g.host.Load(args[0]); err != nil {
					return err
				}
				if g.network, g.address, err = g.host.Address(g.app); err != nil {
					return err
				}
				if !cmd.Flags().Changed("mount") {
					g.mount = g.app.Flag("mount")
				}
			} else {
				g.network, g.address = host.ParseAddress(listen)
			}
			if err := units.CheckMount(g.mount); err != nil {
				return err
			}
			if g.timeout < 0 {
				return fmt.Errorf("--timeout %v: a timeout is not negative; 0 is none", g.timeout)
			}
			ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			return g.send(ctx, cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	defineHost(cmd, &g.host)
	f.StringVar(&listen, "listen", "", "send it to `PATH or ADDRESS`, whoever listens there")
	f.StringVar(&g.mount, "mount", "", "the application lives below `/PREFIX` (default: what its unit says)")
	f.StringVarP(&g.method, "request", "X", "", "the `METHOD` (default GET, or POST with -d)")
	f.StringVarP(&g.data, "data", "d", "", "the `BODY`, or @FILE, or @- for standard input, as it is")
	f.StringArrayVarP(&g.headers, "header", "H", nil, "a header, `'NAME: VALUE'`; can be repeated")
	f.BoolVarP(&g.include, "include", "i", false, "print the status and the headers, too, and the request's id on standard error")
	f.BoolVar(&g.raw, "raw", false, "print the response as it comes, \"Status:\" and all")
	f.BoolVar(&g.fail, "fail", false, "exit with status 22 when the response's status is 400 or more")
	f.DurationVar(&g.timeout, "timeout", 105*time.Second, "give up when nothing comes for so long; 0 never does")
	return cmd
}

// getRequest is a request, and what is wanted of its response.
type getRequest struct {
	host             host.Host
	app              *host.Application // nil with --listen
	network, address string
	mount, path      string
	method, data     string
	hasData          bool
	headers          []string
	include          bool
	raw              bool
	fail             bool
	timeout          time.Duration
}

func (g *getRequest) send(ctx context.Context, in io.Reader, out, errOut io.Writer) error {
	req, id, err := g.request(ctx, in)
	if err != nil {
		return err
	}
	wire := &wire{network: g.network, address: g.address, timeout: g.timeout}
	if isTerminal(out) { // the body, too: what is piped is as it came
		terminal := plain.NewWriter(out)
		defer terminal.Close()
		out = terminal
	}
	if g.raw {
		wire.copy = out
	}
	t := &scgihttp.Transport{Dial: wire.dial, Mount: g.mount, Params: idParam(id)}
	resp, err := t.RoundTrip(req)
	if g.include && wire.conn != nil {
		g.explain(errOut, id)
	}
	if g.raw {
		// Also of what is no response everything is shown.
		if restErr := wire.rest(); err == nil {
			err = restErr
		}
	}
	if err != nil {
		return g.why(err)
	}
	defer resp.Body.Close()
	if g.include && !g.raw {
		fmt.Fprintf(out, "Status: %s\n", plain.Line(resp.Status))
		writeHeader(out, resp.Header)
	}
	if !g.raw {
		if _, err := io.Copy(out, resp.Body); err != nil {
			return fmt.Errorf("the response is not whole: %w", g.why(err))
		}
	}
	if g.fail && resp.StatusCode >= 400 {
		return &exitError{exitFailed, errors.New("the response's status is " + plain.Line(resp.Status))}
	}
	return nil
}

// explain says under which id the log has the request.
func (g *getRequest) explain(w io.Writer, id string) {
	if g.app == nil {
		fmt.Fprintf(w, "the request's id is %s\n", id)
		return
	}
	_, end := systemctl(g.host)
	fmt.Fprintf(w, "the request's log: socketgi logs %s --id %s%s\n", g.app.Name, id, end)
}

func writeHeader(w io.Writer, h http.Header) {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		for _, value := range h[name] {
			fmt.Fprintf(w, "%s: %s\n", name, plain.Line(value))
		}
	}
	fmt.Fprintln(w)
}
