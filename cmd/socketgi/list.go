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
		Long: `List the applications of this machine, including those whose units were edited.
STATE is that of the socket: listening, running (Accept=no, and the application
accepts), stopped or failed; "-" if systemd doesn't answer.

Exit status: 0, or 1 if units can't be read or systemd doesn't answer; the
others are listed nevertheless.`,
		Args:              words(),
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
	f.StringVar(&h.Root, "root", "", "list those of a system in `DIR`, offline")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&noLegend, "no-legend", false, "print neither header nor footer")
	return cmd
}
