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
		Short: "Set an application up: check it, write its units, start listening",
		Long: `Set an application up. Its units are checked by systemd, and the application is
loaded once, by its user and in its sandbox, before anything is written; the code that
was compiled for that is kept, readable for it and written by root only. With --now it
is enabled, started, and asked for a page. When anything goes wrong, nothing is left.

Said again with the same words it changes nothing but the cached code, which is made
anew, as socketgi refresh does: do that after an upgrade of Python or of packages.
Without it everything works as well, and slower.

` + pairHelp + `

Exit status: 0 when the application is there, 1 when it is not.`,
		Example: "  socketgi add hello /srv/hello/hello.py --user hello --mount /hello --now\n" +
			"  socketgi add guestbook --exec --accept no --state --now -- /usr/local/bin/guestbook",
		Args: p.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := hf.host()
			if err != nil {
				return err
			}
			// Units are for others to read, whatever the umask of this shell is.
			syscall.Umask(0o022)
			a, err := p.addition(h, args)
			if err != nil {
				return err
			}
			p.warn(cmd.ErrOrStderr())
			if compose.RunsAsRoot(h, p.user) && !force {
				return fmt.Errorf("%s would run as root: --user NAME has it run as somebody else, and --force as root all the same", args[0])
			}
			a.Now, a.Force, a.Log = now, force, logTo(cmd.ErrOrStderr())
			if p.python != "" {
				a.Log("Python: %s", p.python)
			}
			if dryRun {
				return printPlan(cmd.OutOrStdout(), a.Plan)
			}
			return interruptible(a.Run)
		},
	}
	p.define(cmd)
	hf.define(cmd)
	f := cmd.Flags()
	f.BoolVar(&now, "now", false, "enable it and start listening, and ask it for a page; with --root only enable it")
	f.BoolVar(&force, "force", false, "replace units of NAME that say something else, and let it run as root")
	f.BoolVar(&dryRun, "dry-run", false, "say what would be done, and do nothing")
	return cmd
}

// addition makes an application out of the command line.
func (p *pairFlags) addition(h host.Host, args []string) (*install.Add, error) {
	// The name first: all that follows is about something else.
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
