package main

import (
	"fmt"
	"io"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

func newUnits() *cobra.Command {
	var p pairFlags
	var userManager bool
	cmd := &cobra.Command{
		Use:   "units " + pairUse("units"),
		Short: "Print the socket and service units for an application",
		Long: `Print the units that socketgi add would write, each after a comment with its
path: NAME.socket and NAME@.service, and a slice if there are limits. Only
applications that were added have cached code, which makes the start of Python
faster.

` + pairHelp,
		Example: "  socketgi units hello /srv/hello/hello.py --user hello\n" +
			"  socketgi units book --exec --accept no --state -- /usr/local/bin/guestbook",
		Args: p.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			h := host.Host{User: userManager}
			o, err := p.options(h, args)
			if err != nil {
				return err
			}
			p.warn(cmd.ErrOrStderr())
			pair, err := o.Render()
			if err != nil {
				return err
			}
			dir, err := h.Dir()
			if err != nil {
				return err
			}
			printPair(terminal.Shown(cmd.OutOrStdout()), dir, pair)
			return nil
		},
	}
	p.define(cmd)
	cmd.Flags().BoolVar(&userManager, "user-manager", false, "units for this user's service manager (systemctl --user)")
	return cmd
}

// printPair prints units, each after its path.
func printPair(w io.Writer, dir string, p units.Pair) {
	for i, f := range p.Files() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "# %s/%s\n%s", dir, f.Name, f.Text)
	}
}
