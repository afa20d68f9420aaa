package main

import (
	"fmt"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/compose"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/install"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

func newAdd() *cobra.Command {
	var p pairFlags
	var hf hostFlags
	var now, force, dryRun bool
	cmd := &cobra.Command{
		Use:   "add " + pairUse("add"),
		Short: "Add an application: check it, write its units, start listening",
		Long: `Add an application. Before anything is written, systemd verifies the units, and
the application is loaded once as its user and in its sandbox. The code compiled
meanwhile is cached; only root can write it. With --now, the socket is enabled
and started, and a page is requested. If any step fails, all changes are undone.

Running the same command again changes nothing but the cached code, which is
written again, as by socketgi refresh. If the existing units differ, add refuses
unless you give --force.

` + pairHelp + `

Exit status: 0 if the application was added, 1 if not.`,
		Example: "  socketgi add hello /srv/hello/hello.py --user hello --mount /hello --now\n" +
			"  socketgi add book --exec --accept no --state --now -- /usr/local/bin/guestbook",
		Args: p.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := hf.host()
			if err != nil {
				return err
			}
			// systemd and nginx's administrators read units, whatever the umask of this shell.
			syscall.Umask(0o022)
			a, err := p.addition(h, args)
			if err != nil {
				return err
			}
			p.warn(cmd.ErrOrStderr())
			if compose.RunsAsRoot(h, p.user) && !force {
				return fmt.Errorf("%s would run as root: name another user with --user USER, or use --force", args[0])
			}
			a.Now, a.Force, a.Log = now, force, logTo(cmd.ErrOrStderr())
			if p.python != "" {
				a.Log("Python: %s", p.python)
			}
			if dryRun {
				return printPlan(cmd.OutOrStdout(), a.Plan)
			}
			if err := interruptible(a.Run); err != nil {
				return err
			}
			if server := compose.WebServer(h.Root); server != "" && !h.User {
				a.Log("for the web server: socketgi %s %s", server, args[0])
			}
			return nil
		},
	}
	p.define(cmd)
	hf.define(cmd)
	f := cmd.Flags()
	f.BoolVar(&now, "now", false, "enable and start the socket, and request a page; with --root, enable it only")
	f.BoolVar(&force, "force", false, "replace existing units that differ, and allow to run as root")
	f.BoolVar(&dryRun, "dry-run", false, "print the steps, and do nothing")
	return cmd
}

// addition returns the application of the command line.
func (p *pairFlags) addition(h host.Host, args []string) (*install.Add, error) {
	// The name first: later errors are about other arguments.
	if err := units.CheckName(args[0]); err != nil {
		return nil, err
	}
	o, err := p.options(h, args)
	if err != nil {
		return nil, err
	}
	a := &install.Add{Host: h, Options: o, Timeout: p.Adapter.Timeout}
	return a, a.Prepare()
}
