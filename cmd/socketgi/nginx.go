package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/compose"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginx"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

// nginxFlags are what the location for nginx is to have.
type nginxFlags struct {
	hostFlags
	options           units.NginxOptions
	queue             time.Duration // the adapter's --queue-timeout
	static            []string
	servers, backups  []string
	part              string
	auth, ssi, reload bool
}

func newNginx() *cobra.Command {
	var f nginxFlags
	cmd := &cobra.Command{
		Use:   "nginx {NAME|--reload}",
		Short: "Print the location for nginx, or reload nginx",
		Long: `Print the location that passes requests to an application, for a server block of nginx;
below a prefix there are two, one for the prefix alone. What isn't said is as the units
of the application have it, if they are there.

With --static nginx serves files by itself: what is asked for below URL is looked for
below DIR, and the application is not started for it. Nothing else in DIR should be
there that isn't for everybody.

With --auth-request or --ssi nginx asks the application on behalf of another request
(ngx_http_auth_request_module, ngx_http_ssi_module). Such a request has the client's
headers, and no body, which the location has to say. Clients don't reach it: for an
application that they ask, too, choose another --mount.

With --server and --backup the application runs on several machines, each with its
socketgi add --listen ADDRESS --allow: an upstream has all of them, and this machine's
socket if the application is here, too. It belongs beside the server blocks of nginx, as in
/etc/nginx/conf.d, and not into one: --part upstream prints it alone, --part location the
rest. See "Several machines" in socketgi-webservers(7).

With --reload, have nginx check and read its configuration, and wait until only workers with
the new one accept connections: systemctl reload nginx ends before that, and the next request
may still be answered as before.`,
		Example: "  socketgi nginx hello\n  socketgi nginx hello --mount /hello\n" +
			"  socketgi nginx shop --mount /shop --static /shop/static=/srv/shop/static\n" +
			"  socketgi nginx login --auth-request\n" +
			"  socketgi nginx shop --server 192.0.2.11:9000 --backup 192.0.2.12:9000\n  socketgi nginx --reload",
		ValidArgsFunction: completeNames(f.host),
		Args: func(cmd *cobra.Command, args []string) error {
			if !f.reload {
				return words("NAME")(cmd, args)
			}
			if len(args) > 0 || cmd.Flags().NFlag() > 1 {
				return errors.New("--reload stands alone: it is for all of nginx")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.reload {
				return nginx.Reload(cmd.Context())
			}
			return f.print(cmd, args[0])
		},
	}
	f.define(cmd)
	return cmd
}

func (n *nginxFlags) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&n.options.Mount, "mount", "", "the application lives below `/PREFIX` (default: as its units have it, else all of the server)")
	f.DurationVar(&n.options.Timeout, "timeout", adapter.DefaultTimeout, "the --timeout that the units have; nginx waits longer")
	f.StringVar(&n.options.Listen, "listen", "", "it listens at `PATH or ADDRESS` (default: as its units have it, else /run/socketgi/NAME.sock)")
	f.StringArrayVar(&n.static, "static", nil, "nginx serves files by itself: those below `URL=DIR`; may be given again")
	f.StringArrayVar(&n.servers, "server", nil, "another machine has it, too, at `HOST:PORT`; may be given again")
	f.StringArrayVar(&n.backups, "backup", nil, "one more at `HOST:PORT`, which gets requests only where the others fail; may be given again")
	f.StringVar(&n.part, "part", "", "with --server or --backup: print the `upstream or location` alone")
	f.BoolVar(&n.auth, "auth-request", false, "for nginx's auth_request alone: the application says who may pass")
	f.BoolVar(&n.ssi, "ssi", false, "for includes in pages alone (SSI)")
	f.BoolVar(&n.reload, "reload", false, "reload nginx, and wait until what it has read counts")
	n.hostFlags.define(cmd)
	_ = cmd.RegisterFlagCompletionFunc("part", cobra.FixedCompletions([]string{"upstream", "location"}, cobra.ShellCompDirectiveNoFileComp))
}

// print prints the location for an application.
func (n *nginxFlags) print(cmd *cobra.Command, name string) error {
	h, err := n.host()
	if err != nil {
		return err
	}
	o := &n.options
	o.Name = name
	n.queue = adapter.DefaultQueueTimeout
	if err := n.installed(cmd, h); err != nil {
		return err
	}
	switch {
	case n.auth && n.ssi:
		return errors.New("--auth-request and --ssi exclude each other: run socketgi nginx once for each")
	case n.auth:
		o.Subrequests = units.AuthRequest
	case n.ssi:
		o.Subrequests = units.SSI
	}
	var warnings []string
	if o.Static, warnings, err = compose.Static(h.Root, n.static); err != nil {
		return err
	}
	for _, text := range warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "socketgi: warning: "+text)
	}
	if o.Timeout != 0 {
		o.Timeout += n.queue
	}
	text, err := n.text()
	if err != nil {
		return err
	}
	fmt.Fprint(terminal.Shown(cmd.OutOrStdout()), text)
	return nil
}

// text renders what is to be printed.
func (n *nginxFlags) text() (string, error) {
	if n.part != "" && n.part != "upstream" && n.part != "location" {
		return "", fmt.Errorf("--part %s: upstream or location", n.part)
	}
	if len(n.options.Servers) == 0 {
		if n.part != "" {
			return "", errors.New("--part is for several machines: name another one with --server or --backup")
		}
		return units.Nginx(n.options)
	}
	upstream, err := units.NginxUpstream(n.options)
	if err != nil || n.part == "upstream" {
		return upstream, err
	}
	location, err := units.Nginx(n.options)
	if n.part == "location" {
		return location, err
	}
	return upstream + location, err
}

// several gathers the machines that have the application: this one if local is true.
func (n *nginxFlags) several(local bool) {
	o := &n.options
	if len(n.servers)+len(n.backups) == 0 {
		return
	}
	if local {
		if o.Listen == "" {
			o.Listen = units.SocketPath(o.Name)
		}
		o.Servers = append(o.Servers, units.NginxServer{Address: o.Listen})
	}
	for _, s := range n.servers {
		o.Servers = append(o.Servers, units.NginxServer{Address: s})
	}
	for _, s := range n.backups {
		o.Servers = append(o.Servers, units.NginxServer{Address: s, Backup: true})
	}
}

// installed fills in what the command line leaves out from the application's units.
func (n *nginxFlags) installed(cmd *cobra.Command, h host.Host) error {
	o := &n.options
	app, err := h.Load(o.Name)
	if errors.Is(err, host.ErrNoApplication) {
		n.several(o.Listen != "")
		fmt.Fprintf(cmd.ErrOrStderr(), "socketgi: warning: there is no application %s yet, so this is of the command line alone\n", o.Name)
		return nil
	}
	if err != nil {
		return err
	}
	f := cmd.Flags()
	if !f.Changed("mount") {
		o.Mount = app.Mount()
	}
	if !f.Changed("timeout") {
		o.Timeout = app.Adapter.Timeout
	}
	n.queue = app.Adapter.QueueTimeout
	if !f.Changed("listen") {
		o.Listen = app.Listen
	}
	n.several(true)
	return nil
}
