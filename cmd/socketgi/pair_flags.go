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

// pairUse shows how an application is said to a command.
func pairUse(command string) string {
	return "NAME APP | " + command + " NAME --cgi -- PROGRAM [ARG...] | " +
		command + " NAME --cgi-root DIR | " + command + " NAME --exec -- PROGRAM [ARG...]"
}

const pairHelp = appHelp + `

With --exec the units run a program that speaks SCGI itself, such as one in Go that
calls scgihttp.Serve. With --accept no it is warm, and accepts connections itself. For
others the adapter does that: it keeps workers with a WSGI application, and starts a CGI
program for each request.

Relative paths, the virtual environment and the web server's group are found
here and now, and written out.`

// pairFlags say what a pair of units is for.
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

// systemdFlag says for which systemd units are written.
type systemdFlag struct{ systemd uint }

func (s *systemdFlag) define(f *pflag.FlagSet) {
	f.UintVar(&s.systemd, "systemd", 0, "write the units for this `VERSION` of systemd, such as 252 (default: the one that runs here)")
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
	f.StringVar(&p.listen, "listen", "", "listen at `PATH or ADDRESS` (default /run/socketgi/NAME.sock)")
	f.StringSliceVar(&p.allow, "allow", nil, "with an address that others reach: the machine of the web server, `ADDRESS[/PREFIX]`; may be said again")
	f.StringSliceVar(&p.allowUser, "allow-user", nil, "let `USER` talk to it, too, and not only root and the web server's user; may be said again")
	f.StringVar(&p.group, "group", "", "the web server's `GROUP`, which may connect (default: www-data, nginx or http, whichever is there)")
	f.StringVar(&p.user, "user", "", "run the application as `USER` (default: a user made up for each request)")
	f.BoolVar(&p.exec, "exec", false, "the units run a program that speaks SCGI itself")
	f.StringVar(&p.accept, "accept", "yes", "who accepts connections: systemd (`yes`), or a warm application (no)")
	f.BoolVar(&p.state, "state", false, "give it a directory that outlives it, /var/lib/NAME; $STATE_DIRECTORY says where it is")
	f.StringVar(&p.profile, "profile", string(units.Fast), "the `SANDBOX`: fast adds milliseconds to each start, strict some tens of them, none next to nothing")
	f.BoolVar(&p.network, "network", false, "let it use the network, with --profile strict, too")
	f.StringArrayVar(&p.env, "env", nil, "give it a variable, `NAME=VALUE`; may be said again. No secrets: everybody can read units")
	f.StringVar(&p.limits.MemoryMax, "memory-max", "", "let all its processes together have `SIZE` bytes of memory: 512M, 1.5G, 20%")
	f.StringVar(&p.limits.TasksMax, "tasks-max", "", "let it have `N` processes and threads at once")
	f.StringVar(&p.limits.CPUWeight, "cpu-weight", "", "give it `N` parts of the processors where others have 100: 1 to 10000")
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

// unused refuses flags of the adapter with --exec, where it doesn't run: an operator would
// count on a limit that isn't there. The mount is the web server's, too.
func (p *pairFlags) unused(cmd *cobra.Command) (err error) {
	cmd.Flags().Visit(func(f *pflag.Flag) {
		isIt := func(a adapter.Flag) bool { return a.Name == f.Name }
		if f.Name == "allow-user" {
			err = errors.New("--allow-user is for what socketgi-adapter runs: a program of --exec has to look by itself who connects")
		} else if err == nil && f.Name != "mount" && slices.ContainsFunc(p.Adapter.Flags(), isIt) {
			err = fmt.Errorf("--%s is for applications that socketgi-adapter runs, and has no effect with --exec", f.Name)
		}
	})
	return err
}

// options finds out what the units are to say.
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
		return o, fmt.Errorf("--accept %s: yes or no", p.accept)
	}
	if o.Group == "" {
		o.Group = account.WebGroup(h.Root)
	}
	if compose.RunsAsRoot(h, o.User) {
		p.warnings = append(p.warnings, "it is to run as root: a hole in it gives an attacker all of this machine")
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

// pin pins the paths that the sandbox shows.
func (p *pairFlags) pin(o *units.Options) error {
	warnings, err := compose.Pin(string(p.Root), o)
	p.warnings = append(p.warnings, warnings...)
	return err
}
