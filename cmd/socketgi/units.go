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
		Long: `Print the pair of units that socketgi add would write: NAME.socket and NAME@.service,
each headed by the name of its file, and a slice where there are limits. Cached code, which makes a start of Python faster,
is there for applications that were added.

` + pairHelp,
		Example: "  socketgi units hello /srv/hello/hello.py --user hello\n" +
			"  socketgi units guestbook --exec --accept no --state -- /usr/local/bin/guestbook",
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
	cmd.Flags().BoolVar(&userManager, "user-manager", false, "units for this user's own systemd (systemctl --user)")
	return cmd
}

// printPair prints units, each headed by its file.
func printPair(w io.Writer, dir string, p units.Pair) {
	for i, f := range p.Files() {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "# %s/%s\n%s", dir, f.Name, f.Text)
	}
}
