package main

import (
	"errors"
	"os"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/report"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
	"github.com/spf13/cobra"
)

// Exit statuses of status, as of systemctl and init scripts (LSB 5.0, 22.2).
const (
	exitNotActive = 3
	exitNoUnit    = 4
)

func newStatus() *cobra.Command {
	var h host.Host
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Show the state of an application",
		Long: `Show the state of an application on one screen: its socket, connections, limits
and running services, and from the journal its last requests and last error.

Exit status: 0 if the socket is active, 3 if not, 4 if there is no such
application, 1 if the state can't be determined.`,
		Args:              words("NAME"),
		ValidArgsFunction: completeNamesAt(&h),
		RunE: func(cmd *cobra.Command, args []string) error {
			a, err := h.Load(args[0])
			if errors.Is(err, host.ErrNoApplication) {
				return &exitError{exitNoUnit, err}
			}
			if err != nil {
				return err
			}
			done := terminal.Progress(os.Stderr, "searching the journal")
			s, err := report.StatusOf(h, a)
			done()
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				if err := plain.WriteJSON(out, s); err != nil {
					return err
				}
			} else {
				s.Print(out, terminal.NewPainter(out), time.Now())
			}
			if s.Active != "active" {
				return &exitError{exitNotActive, nil}
			}
			return nil
		},
	}
	defineHost(cmd, &h)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
