package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/compose"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

// locationFlags are the settings of a web server's configuration for an application.
type locationFlags struct {
	hostFlags
	options units.LocationOptions
	queue   time.Duration // the adapter's --queue-timeout
	static  []string
}

func newApache() *cobra.Command {
	return newLocation("apache", "Apache", `Print the configuration that passes requests to an application, for Apache 2.4
(mod_proxy_scgi). Put it into a virtual host, or into a file in conf-available,
where it counts for all virtual hosts. ProxyPass is no substitute: it sends the
whole path as SCRIPT_NAME.

Apache answers 411 to a request body without a length, such as that of a large
git push, and 500 to a response header over 8 KiB. It passes a request body on
while the client sends it: clients that pause need a longer --body-timeout.`, func(o units.LocationOptions) (string, error) {
		text, err := units.Apache(o)
		return text + "# Apache passes a request body on while the client sends it. If clients may pause for more than 10s,\n" +
			"# give the application --body-timeout 1m.\n", err
	})
}

func newLighttpd() *cobra.Command {
	return newLocation("lighttpd", "lighttpd", `Print the configuration that passes requests to an application, for lighttpd
1.4.46 or later (mod_scgi). Put it into a file in conf-available.

lighttpd answers 431 to a request whose head is larger than 8 KiB, unless
server.max-request-field-size allows it. Leave server.stream-request-body at 0,
its default: lighttpd then passes on request bodies that are complete.`, units.Lighttpd)
}

func newLocation(name, server, about string, render func(units.LocationOptions) (string, error)) *cobra.Command {
	var f locationFlags
	cmd := &cobra.Command{
		Use:   name + " NAME",
		Short: "Print the configuration for " + server,
		Long: about + `

Defaults come from the units of the application, if there are any. With
--static, ` + server + ` itself serves the files in DIR for URLs that begin with URL,
and the application is not started for them. All files in DIR are public.`,
		Example: "  socketgi " + name + " hello\n  socketgi " + name + " hello --mount /hello\n" +
			"  socketgi " + name + " shop --mount /shop --static /shop/static=/srv/shop/static",
		ValidArgsFunction: completeNames(f.host),
		Args:              words("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.options.Name = args[0]
			return f.print(cmd, server, render)
		},
	}
	fl, o := cmd.Flags(), &f.options
	fl.StringVar(&o.Mount, "mount", "", "prefix of the application, `/PREFIX` (default: as in its units, else /)")
	o.Timeout = adapter.DefaultTimeout
	duration(fl, &o.Timeout, "timeout", "`DURATION` of the adapter's --timeout (default: as in its units, else 1min)")
	fl.StringVar(&o.Listen, "listen", "", "the application listens at `ADDRESS`, a path or HOST:PORT (default: as in its units, else /run/socketgi/NAME.sock)")
	fl.StringArrayVar(&f.static, "static", nil, server+" serves the files in DIR below URL, `URL=DIR`; can be repeated")
	f.hostFlags.define(cmd)
	return cmd
}

// print prints the configuration of a web server.
func (f *locationFlags) print(cmd *cobra.Command, server string, render func(units.LocationOptions) (string, error)) error {
	h, err := f.host()
	if err != nil {
		return err
	}
	o := &f.options
	f.queue = adapter.DefaultQueueTimeout
	app, err := h.Load(o.Name)
	switch {
	case errors.Is(err, host.ErrNoApplication):
		fmt.Fprintf(cmd.ErrOrStderr(), "socketgi: warning: no application %s yet; the configuration follows the command line only\n", o.Name)
	case err != nil:
		return err
	default:
		given := cmd.Flags().Changed
		if !given("mount") {
			o.Mount = app.Mount()
		}
		if !given("timeout") {
			o.Timeout = app.Adapter.Timeout
		}
		if !given("listen") {
			o.Listen = app.Listen
		}
		if !h.User { // its folder isn't open to others
			o.File = strings.TrimPrefix(app.Socket.Path, h.Root)
		}
		f.queue = app.Adapter.QueueTimeout
	}
	var warnings []string
	if o.Static, warnings, err = compose.Static(h.Root, f.static); err != nil {
		return err
	}
	for _, text := range warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "socketgi: warning: "+text)
	}
	if o.Timeout != 0 {
		o.Timeout += f.queue
	}
	text, err := render(*o)
	if err != nil {
		return err
	}
	fmt.Fprint(terminal.Shown(cmd.OutOrStdout()), text)
	return nil
}
