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

// nginxFlags are the flags of socketgi nginx.
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
		Long: `Print the location that passes requests to an application, for a server block of
nginx; with a prefix, two locations, one for the prefix alone. Defaults come
from the units of the application, if there are any.

With --static, nginx itself serves the files in DIR for URLs that begin with
URL, and the application is not started for them. All files in DIR are public.

With --auth-request or --ssi, print an internal location for subrequests
(ngx_http_auth_request_module, ngx_http_ssi_module), which have the headers of
the client's request but no body. Clients can't reach it. If clients use the
application, too, choose another --mount for subrequests.

With --server and --backup, the application runs on several machines, each with
socketgi add --listen HOST:PORT --allow. An upstream lists them, and the local
socket if the application is on this machine, too. It belongs beside the server
blocks of nginx, as in /etc/nginx/conf.d: --part upstream prints it alone,
--part location the rest. See "Several machines" in socketgi-webservers(7).

With --streaming, nginx passes on each part of a response when it arrives. A
response with the header X-Accel-Buffering: no needs no --streaming, nor does a
WebSocket, which is passed on in either case.

With --reload, nginx checks and reads its configuration; the command ends when
only workers with the new configuration accept connections. systemctl reload
nginx ends earlier.`,
		Example: "  socketgi nginx hello\n  socketgi nginx hello --mount /hello\n" +
			"  socketgi nginx shop --mount /shop --static /shop/static=/srv/shop/static\n" +
			"  socketgi nginx login --auth-request\n  socketgi nginx chat --streaming\n" +
			"  socketgi nginx shop --server 192.0.2.11:9000 --backup 192.0.2.12:9000\n  socketgi nginx --reload",
		ValidArgsFunction: completeNames(f.host),
		Args: func(cmd *cobra.Command, args []string) error {
			if !f.reload {
				return words("NAME")(cmd, args)
			}
			if len(args) > 0 || cmd.Flags().NFlag() > 1 {
				return errors.New("--reload takes neither NAME nor other flags")
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
	f.StringVar(&n.options.Mount, "mount", "", "prefix of the application, `/PREFIX` (default: as in its units, else /)")
	n.options.Timeout = adapter.DefaultTimeout
	duration(f, &n.options.Timeout, "timeout", "`DURATION` of the adapter's --timeout, which scgi_read_timeout exceeds (default: as in its units, else 1min)")
	f.StringVar(&n.options.Listen, "listen", "", "the application listens at `ADDRESS`, a path or HOST:PORT (default: as in its units, else /run/socketgi/NAME.sock)")
	f.StringArrayVar(&n.static, "static", nil, "nginx serves the files in DIR below URL, `URL=DIR`; can be repeated")
	f.StringArrayVar(&n.servers, "server", nil, "the application also runs at `HOST:PORT`; can be repeated")
	f.StringArrayVar(&n.backups, "backup", nil, "as --server, for requests only if all others fail, `HOST:PORT`; can be repeated")
	f.StringVar(&n.part, "part", "", "with --server or --backup: print one part, `upstream|location`")
	f.BoolVar(&n.auth, "auth-request", false, "for subrequests of nginx's auth_request only")
	f.BoolVar(&n.ssi, "ssi", false, "for subrequests of server-side includes only")
	f.BoolVar(&n.options.Streaming, "streaming", false, "for server-sent events and WebSockets: pass on each part of a response at once")
	f.BoolVar(&n.reload, "reload", false, "reload nginx, and wait until the new configuration is in effect")
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
	case o.Streaming && (n.auth || n.ssi):
		return errors.New("--streaming is for requests of clients: omit --auth-request and --ssi")
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

// text renders the selected parts.
func (n *nginxFlags) text() (string, error) {
	if n.part != "" && n.part != "upstream" && n.part != "location" {
		return "", fmt.Errorf("--part %s: expected upstream or location", n.part)
	}
	if len(n.options.Servers) == 0 {
		if n.part != "" {
			return "", errors.New("--part needs several machines: use --server or --backup, too")
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

// several lists the machines of the application, with this one if local is true.
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

// installed takes defaults from the application's units.
func (n *nginxFlags) installed(cmd *cobra.Command, h host.Host) error {
	o := &n.options
	app, err := h.Load(o.Name)
	if errors.Is(err, host.ErrNoApplication) {
		if n.several(o.Listen != ""); len(o.Servers) == 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "socketgi: warning: no application %s yet; the location follows the command line only\n", o.Name)
		} else if o.Listen == "" && n.part != "upstream" {
			fmt.Fprintf(cmd.ErrOrStderr(), "socketgi: warning: no application %s here; give the --mount and the --timeout of the others\n", o.Name)
		}
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
