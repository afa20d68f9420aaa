package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

func newUnits() *cobra.Command {
	var o units.Options
	var a adapterFlags
	var exec bool
	var accept, profile string
	cmd := &cobra.Command{
		Use:   "units NAME APP | units NAME --cgi -- PROGRAM [ARG...] | units NAME --cgi-root DIR | units NAME --exec -- PROGRAM [ARG...]",
		Short: "Print the socket and service units for an application",
		Long: `Print the pair of units that serves an application: NAME.socket and NAME@.service,
each headed by the name of its file.

` + appHelp + `

With --exec the units run a program that speaks SCGI itself, such as one in Go that
calls scgihttp.Serve. With --accept no it stays and accepts by itself; for CGI programs
the adapter does that, and each request still gets a process of its own.

Relative paths, the virtual environment and the web server's group are found
here and now, and written out.`,
		Example: "  socketgi units hello /srv/hello/hello.py --user hello\n" +
			"  socketgi units guestbook --exec --accept no --state -- /usr/local/bin/guestbook",
		Args: func(cmd *cobra.Command, args []string) error {
			if exec && (a.cgi || a.cgiRoot != "") || a.cgi && a.cgiRoot != "" {
				return errors.New("--exec, --cgi and --cgi-root exclude each other")
			}
			if exec {
				return words("NAME", "PROGRAM", "...")(cmd, args)
			}
			return a.words("NAME")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			var err error
			if o.Profile, err = units.ParseProfile(profile); err != nil {
				return err
			}
			switch accept {
			case "yes":
			case "no":
				if !exec && !a.cgi && a.cgiRoot == "" {
					return errors.New("--accept no is for CGI programs and those that accept by themselves: say --cgi, --cgi-root or --exec, too")
				}
				o.Warm = true
			default:
				return fmt.Errorf("--accept %s: yes or no", accept)
			}
			if o.Group == "" {
				o.Group = webGroup()
			}
			if exec {
				program, err := filepath.Abs(args[1])
				if err != nil {
					return err
				}
				o.Exec, o.App = append([]string{program}, args[2:]...), strings.Join(args[1:], " ")
				o.Reads = existing(append([]string{filepath.Dir(program)}, o.Exec...)...)
			} else if err := a.fill(&o, args[1:]); err != nil {
				return err
			}
			pair, err := units.Render(o)
			if err != nil {
				return err
			}
			printPair(cmd.OutOrStdout(), pair)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Listen, "listen", "", "listen at `PATH or ADDRESS` (default /run/socketgi/NAME.sock)")
	f.StringVar(&o.Group, "group", "", "the web server's `GROUP`, which may connect (default: www-data, nginx or http, whichever is there)")
	f.StringVar(&o.User, "user", "", "run the application as `USER` (default: a user made up for each request)")
	f.BoolVar(&exec, "exec", false, "the units run a program that speaks SCGI itself")
	f.StringVar(&accept, "accept", "yes", "who accepts connections: systemd (`yes`), or the program that stays (no)")
	f.BoolVar(&o.State, "state", false, "give it a directory that outlives it, /var/lib/NAME; $STATE_DIRECTORY says where it is")
	f.StringVar(&profile, "profile", string(units.Fast), "the `SANDBOX`: fast adds milliseconds to each start, strict some tens of them, none next to nothing")
	f.BoolVar(&o.Network, "network", false, "let it use the network, with --profile strict, too")
	a.define(cmd)
	return cmd
}

// printPair prints units, each headed by its file.
func printPair(w io.Writer, p units.Pair) {
	fmt.Fprintf(w, "# /etc/systemd/system/%s\n%s\n# /etc/systemd/system/%s\n%s", p.SocketName, p.Socket, p.ServiceName, p.Service)
}

// adapterFlags are what is said on the command line of the service.
type adapterFlags struct {
	appFlags
	adapter     string
	mount       string
	timeout     time.Duration
	concurrency int
}

func (a *adapterFlags) define(cmd *cobra.Command) {
	a.appFlags.define(cmd)
	f := cmd.Flags()
	f.StringVar(&a.adapter, "adapter", "", "`PATH` of socketgi-adapter on the machine that gets the units")
	f.StringVar(&a.mount, "mount", "", "the application lives below `/PREFIX`")
	f.DurationVar(&a.timeout, "timeout", 60*time.Second, "end a request that takes longer with 504; 0 never does")
	f.IntVar(&a.concurrency, "concurrency", 10, "run at most `N` requests at once, the others wait; 0 sets no limit")
}

// path returns where the adapter is.
func (a *adapterFlags) path() (string, error) {
	if a.adapter == "" {
		return findAdapter()
	}
	return filepath.Abs(a.adapter)
}

// fill writes down how the adapter is run.
func (a *adapterFlags) fill(o *units.Options, args []string) (err error) {
	app, err := a.resolve(args)
	if err != nil {
		return err
	}
	if a.adapter, err = a.path(); err != nil {
		return err
	}
	switch {
	case a.timeout < 0:
		return fmt.Errorf("--timeout %v: a timeout is not negative; 0 is none", a.timeout)
	case a.concurrency < 0:
		return fmt.Errorf("--concurrency %d: 0 sets no limit, and less is not possible", a.concurrency)
	}
	if err := units.CheckMount(a.mount); err != nil {
		return err
	}
	o.Exec = []string{a.adapter}
	if a.mount != "" {
		o.Exec = append(o.Exec, "--mount", a.mount)
	}
	if a.timeout != 60*time.Second {
		o.Exec = append(o.Exec, "--timeout", a.timeout.String())
	}
	if a.concurrency != 0 {
		o.Exec = append(o.Exec, "--concurrency", strconv.Itoa(a.concurrency))
	}
	o.Exec = append(o.Exec, app.words...)
	o.App, o.WorkingDirectory = app.label, app.dir
	o.Adapter = true
	o.Reads = existing(append(app.files, app.folders...)...)
	for _, path := range append(app.files, a.adapter) {
		if why := unreachable(path, o.User); why != "" {
			fmt.Fprintln(os.Stderr, "socketgi: warning: "+why)
		}
	}
	return nil
}

// webGroup finds the group of the web server on this machine.
func webGroup() string {
	for _, name := range []string{"www-data", "nginx", "http"} {
		if _, err := user.LookupGroup(name); err == nil {
			return name
		}
	}
	return "www-data"
}
