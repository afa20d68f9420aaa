// Package get sends one request to an application, as a web server does.
package get

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sort"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/hint"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
	"github.com/socketgi/socketgi/scgi/scgihttp"
)

// Request is a request, and the options for its response.
type Request struct {
	Host host.Host
	// App is the application, nil if only the address is known.
	App *host.Application
	// Network and Address are its address, as in package net.
	Network, Address string
	// Mount is the prefix of the application's paths, Path the path below it, with a query.
	Mount, Path string
	// Method is GET by default, or POST with a body.
	Method string
	// Data is the body if HasData is true: the text itself, @FILE, or @- for
	// standard input.
	Data    string
	HasData bool
	// Headers are lines, NAME: VALUE.
	Headers []string
	// Include prints the status and the headers, too.
	Include bool
	// Raw prints the response as received.
	Raw bool
	// Timeout limits the time without data, 0 for no limit.
	Timeout time.Duration
}

// Status is that of a response.
type Status struct {
	Code int
	// Text is the status as sent, including the code.
	Text string
}

// Send sends the request, and prints the response to out, and its own messages to errOut. It returns the status
// of the response, even if the rest of that is missing.
func (g *Request) Send(ctx context.Context, in io.Reader, out, errOut io.Writer) (s Status, err error) {
	req, id, err := g.request(ctx, in)
	if err != nil {
		return s, err
	}
	wire := &wire{network: g.Network, address: g.Address, timeout: g.Timeout}
	if terminal.Is(out) { // the body, too; the output to a pipe is unchanged
		shown := plain.NewWriter(out)
		defer shown.Close()
		out = shown
	}
	if g.Raw {
		wire.copy = out
	}
	t := &scgihttp.Transport{Dial: wire.dial, Mount: g.Mount, Params: idParam(id)}
	resp, err := t.RoundTrip(req)
	if g.Include && wire.conn != nil {
		g.explain(errOut, id)
	}
	if g.Raw {
		// An invalid response is printed completely, too.
		if restErr := wire.rest(); err == nil {
			err = restErr
		}
	}
	if err != nil {
		return s, g.why(err)
	}
	defer resp.Body.Close()
	s = Status{resp.StatusCode, resp.Status}
	if g.Include && !g.Raw {
		fmt.Fprintf(out, "Status: %s\n", plain.Line(resp.Status))
		writeHeader(out, resp.Header)
	}
	if !g.Raw {
		if _, err := io.Copy(out, resp.Body); err != nil {
			return s, fmt.Errorf("the response is incomplete: %w", g.why(err))
		}
	}
	return s, nil
}

// explain prints the id of the request in the log.
func (g *Request) explain(w io.Writer, id string) {
	if g.App == nil {
		fmt.Fprintf(w, "the request's id is %s\n", id)
		return
	}
	fmt.Fprintf(w, "the request's log: %s\n", hint.Socketgi(g.Host, "logs "+g.App.Name+" --id "+id))
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
