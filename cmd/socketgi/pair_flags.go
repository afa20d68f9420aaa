package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/compose"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// pairUse lists the forms of a command's arguments.
func pairUse(command string) string {
	return "NAME APP | " + command + " NAME --cgi -- PROGRAM [ARG...] | " +
		command + " NAME --cgi-root DIR | " + command + " NAME --exec -- PROGRAM [ARG...]"
}

const pairHelp = appHelp + `

With --exec, the units run a program that speaks SCGI itself, such as a Go
program that calls scgihttp.Serve; with --accept no, it accepts connections
itself. For other applications with --accept no, the adapter accepts them: it
keeps warm workers of a WSGI application, and starts a CGI program for each
request.

Relative paths, the virtual environment and the web server's group are resolved
now, and written to the units.`

// pairFlags are the flags of a pair of units.
type pairFlags struct {
	adapterFlags
	listen, group, user string
	allow, allowUser    []string
	exec                bool
	accept, profile     string
	state, network      bool
	env                 []string
	limits              units.Limits
	systemdFlag
}

// systemdFlag is the version of systemd that the units are for.
type systemdFlag struct{ systemd uint }

func (s *systemdFlag) define(f *pflag.FlagSet) {
	f.UintVar(&s.systemd, "systemd", 0, "write units for this `VERSION` of systemd, such as 252 (default: the running one)")
}

func (s *systemdFlag) version(h host.Host) int {
	if s.systemd > 0 {
		return int(min(s.systemd, math.MaxInt32))
	}
	ctx, cancel := context.WithTimeout(context.Background(), manager.Timeout)
	defer cancel()
	return h.SystemdVersion(ctx)
}

func (p *pairFlags) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.listen, "listen", "", "listen at `ADDRESS`, a path or HOST:PORT (default /run/socketgi/NAME.sock)")
	f.StringSliceVar(&p.allow, "allow", nil, "for --listen HOST:PORT: address of a web server, `IP[/LENGTH]`; can be repeated")
	f.StringSliceVar(&p.allowUser, "allow-user", nil, "serve requests of `USER`, besides root and the web server's user; can be repeated")
	f.StringVar(&p.group, "group", "", "the web server's `GROUP`, which may connect (default: www-data, nginx or http, the first that exists)")
	f.StringVar(&p.user, "user", "", "run the application as `USER` (default: a dynamic user)")
	f.BoolVar(&p.exec, "exec", false, "run a program that speaks SCGI itself")
	f.StringVar(&p.accept, "accept", "yes", "`yes|no`: systemd accepts connections, a process per request; or a warm application does")
	f.BoolVar(&p.state, "state", false, "give it a directory for data, /var/lib/NAME, in $STATE_DIRECTORY")
	f.StringVar(&p.profile, "profile", string(units.Fast), "sandbox, `fast|strict|none`: fast adds milliseconds to each start, strict tens of milliseconds")
	f.BoolVar(&p.network, "network", false, "allow the network with --profile strict")
	f.StringArrayVar(&p.env, "env", nil, "set an environment variable, `NAME=VALUE`; can be repeated; not for secrets: every user can read units")
	f.StringVar(&p.limits.MemoryMax, "memory-max", "", "limit the memory of all its processes to `SIZE`: 512M, 1.5G, 20%")
	f.StringVar(&p.limits.TasksMax, "tasks-max", "", "limit its processes and threads to `N`")
	f.StringVar(&p.limits.CPUWeight, "cpu-weight", "", "share of the processors, `N` from 1 to 10000 (systemd's default: 100)")
	p.systemdFlag.define(f)
	p.adapterFlags.define(cmd)
	for flag, values := range map[string][]string{"accept": {"yes", "no"},
		"profile": {string(units.Fast), string(units.Strict), string(units.None)}} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

func (p *pairFlags) args(cmd *cobra.Command, args []string) error {
	if p.exec && !p.Adapter.WSGI() {
		return errors.New("--exec, --cgi and --cgi-root exclude each other")
	}
	if p.exec {
		if err := p.unused(cmd); err != nil {
			return err
		}
		return words("NAME", "PROGRAM", "...")(cmd, args)
	}
	return p.words("NAME")(cmd, args)
}

// unused refuses flags of the adapter with --exec: the operator would rely on a limit that is not in
// effect. The mount is the web server's, too.
func (p *pairFlags) unused(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		isIt := func(a adapter.Flag) bool { return a.Name == f.Name }
		if f.Name == "allow-user" {
			err = errors.New("--allow-user has no effect with --exec: the program itself must check its peers")
		} else if err == nil && f.Name != "mount" && slices.ContainsFunc(p.Adapter.Flags(), isIt) {
			err = fmt.Errorf("--%s has no effect with --exec", f.Name)
		}
	})
	return err
}

// options returns the options of the units.
func (p *pairFlags) options(h host.Host, args []string) (o appunits.Options, err error) {
	o.Options = units.Options{Name: args[0], Listen: p.listen, Group: p.group, User: p.user, State: p.state, Network: p.network,
		Env: p.env, Mount: p.Adapter.Mount, Limits: p.limits, UserManager: h.User, Allow: p.allow}
	p.Root = rootfs.Dir(h.Root)
	o.SystemdVersion = p.version(h)
	if o.Profile, err = units.ParseProfile(p.profile); err != nil {
		return o, err
	}
	switch p.accept {
	case "yes":
	case "no":
		o.Warm = true
	default:
		return o, fmt.Errorf("--accept %s: expected yes or no", p.accept)
	}
	if o.Group == "" {
		o.Group = account.WebGroup(h.Root)
	}
	if compose.RunsAsRoot(h, o.User) {
		p.warnings = append(p.warnings, "the application will run as root: a vulnerability in it compromises the whole machine")
	}
	if !p.exec {
		if err := p.fill(&o, args[1:]); err != nil {
			return o, err
		}
		if err := p.pin(&o.Options); err != nil {
			return o, err
		}
		warnings, err := compose.AllowPeers(h, &o, p.allowUser)
		p.warnings = append(p.warnings, warnings...)
		return o, err
	}
	if err := compose.Run(&o, args[1], args[2:], p.Root); err != nil {
		return o, err
	}
	return o, p.pin(&o.Options)
}

// pin checks the paths that the sandbox shows.
func (p *pairFlags) pin(o *units.Options) error {
	warnings, err := compose.Pin(string(p.Root), o)
	p.warnings = append(p.warnings, warnings...)
	return err
}
