package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

// pairUse shows how an application is said to a command.
func pairUse(command string) string {
	return "NAME APP | " + command + " NAME --cgi -- PROGRAM [ARG...] | " +
		command + " NAME --cgi-root DIR | " + command + " NAME --exec -- PROGRAM [ARG...]"
}

const pairHelp = appHelp + `

With --exec the units run a program that speaks SCGI itself, such as one in Go that
calls scgihttp.Serve. With --accept no it stays and accepts by itself. For others the
adapter does that: it keeps processes with a WSGI application, and starts a CGI program
for each request.

Relative paths, the virtual environment and the web server's group are found
here and now, and written out.`

// pairFlags say what a pair of units is for.
type pairFlags struct {
	adapterFlags
	listen, group, user string
	exec                bool
	accept, profile     string
	state, network      bool
	env                 []string
}

func (p *pairFlags) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&p.listen, "listen", "", "listen at `PATH or ADDRESS` (default /run/socketgi/NAME.sock)")
	f.StringVar(&p.group, "group", "", "the web server's `GROUP`, which may connect (default: www-data, nginx or http, whichever is there)")
	f.StringVar(&p.user, "user", "", "run the application as `USER` (default: a user made up for each request)")
	f.BoolVar(&p.exec, "exec", false, "the units run a program that speaks SCGI itself")
	f.StringVar(&p.accept, "accept", "yes", "who accepts connections: systemd (`yes`), or the program that stays (no)")
	f.BoolVar(&p.state, "state", false, "give it a directory that outlives it, /var/lib/NAME; $STATE_DIRECTORY says where it is")
	f.StringVar(&p.profile, "profile", string(units.Fast), "the `SANDBOX`: fast adds milliseconds to each start, strict some tens of them, none next to nothing")
	f.BoolVar(&p.network, "network", false, "let it use the network, with --profile strict, too")
	f.StringArrayVar(&p.env, "env", nil, "give it a variable, `NAME=VALUE`; may be said again. No secrets: everybody can read units")
	p.adapterFlags.define(cmd)
	for flag, values := range map[string][]string{"accept": {"yes", "no"},
		"profile": {string(units.Fast), string(units.Strict), string(units.None)}} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

func (p *pairFlags) args(cmd *cobra.Command, args []string) error {
	if p.exec && (p.cgi || p.cgiRoot != "") || p.cgi && p.cgiRoot != "" {
		return errors.New("--exec, --cgi and --cgi-root exclude each other")
	}
	if p.exec {
		return words("NAME", "PROGRAM", "...")(cmd, args)
	}
	return p.words("NAME")(cmd, args)
}

// options finds out what the units are to say.
func (p *pairFlags) options(h host.Host, args []string) (o units.Options, err error) {
	o = units.Options{Name: args[0], Listen: p.listen, Group: p.group, User: p.user, State: p.state, Network: p.network,
		Env: p.env, Mount: p.mount, UserManager: h.User}
	p.root = rootDir(h.Root)
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
		o.Group = webGroup(h)
	}
	if !p.exec {
		return o, p.fill(&o, args[1:])
	}
	program, err := p.root.outside(args[1])
	if err != nil {
		return o, err
	}
	if program, err = p.root.inside(program); err != nil {
		return o, err
	}
	o.Exec, o.App = append([]string{program}, args[2:]...), strings.Join(args[1:], " ")
	o.Reads = p.root.existing(append([]string{filepath.Dir(program)}, o.Exec...)...)
	return o, nil
}
