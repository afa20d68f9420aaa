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
		Short: "Remove an application",
		Long: `Remove the units and the cached code of an application. Its data (/var/lib/NAME)
and the drop-ins of systemctl edit are kept.

Exit status: 0 if the application was removed, 1 if not.`,
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
	f.BoolVar(&r.Now, "now", false, "stop it if it runs")
	f.BoolVar(&r.DropIns, "drop-ins", false, "remove the drop-ins of systemctl edit, too")
	f.BoolVar(&dryRun, "dry-run", false, "print the steps, and do nothing")
	return cmd
}
