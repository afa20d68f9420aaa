package main

import (
	"errors"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/report"
	"github.com/spf13/cobra"
)

func newList() *cobra.Command {
	var h host.Host
	var asJSON, noLegend bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the applications of this machine",
		Long: `List the applications of this machine, those whose units have drop-ins or were
changed by hand, too. STATE is the socket's: listening, running (Accept=no, and
the application has it), stopped or failed; "-" where no systemd can be asked.

Exit status: 0, or 1 when units can't be read or systemd can't be asked; the
rest is shown all the same.`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			apps, problems := h.List()
			list, err := report.List(h, apps)
			if err != nil {
				problems = append(problems, err)
			}
			if asJSON {
				if err := plain.WriteJSON(cmd.OutOrStdout(), list); err != nil {
					return err
				}
			} else if noLegend {
				report.PrintRows(cmd.OutOrStdout(), list)
			} else {
				report.PrintList(cmd.OutOrStdout(), list)
			}
			return errors.Join(problems...)
		},
	}
	f := cmd.Flags()
	defineHost(cmd, &h)
	f.StringVar(&h.Root, "root", "", "list those of the system below `DIR`, from its files alone")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&noLegend, "no-legend", false, "print neither the names of the columns nor how many there are")
	return cmd
}
