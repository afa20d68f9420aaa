package main

import (
	"github.com/socketgi/socketgi/cmd/socketgi/internal/install"
	"github.com/spf13/cobra"
)

func newRemove() *cobra.Command {
	var hf hostFlags
	r := &install.Remove{}
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "remove NAME",
		Short: "Take an application out again",
		Long: `Take out what socketgi add has put in: the units and cached code of an application. Its
data stays (/var/lib/NAME), and so do changes that were made with systemctl edit.

Exit status: 0 when it is gone, 1 when it is not.`,
		Example:           "  socketgi remove hello --now",
		Args:              words("NAME"),
		ValidArgsFunction: completeNames(hf.host),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if r.Host, err = hf.host(); err != nil {
				return err
			}
			r.Name, r.Log = args[0], logTo(cmd.ErrOrStderr())
			if dryRun {
				return printPlan(cmd.OutOrStdout(), r.Plan)
			}
			return interruptible(r.Run)
		},
	}
	hf.define(cmd)
	f := cmd.Flags()
	f.BoolVar(&r.Now, "now", false, "stop it, if it listens")
	f.BoolVar(&r.DropIns, "drop-ins", false, "remove changes that were made with systemctl edit, too")
	f.BoolVar(&dryRun, "dry-run", false, "say what would be done, and do nothing")
	return cmd
}
