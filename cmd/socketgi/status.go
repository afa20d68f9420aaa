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

// Exit statuses of status, as systemctl and init scripts have them (LSB 5.0, 22.2).
const (
	exitNotActive = 3
	exitNoUnit    = 4
)

func newStatus() *cobra.Command {
	var h host.Host
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status NAME",
		Short: "Show how an application is: its socket, limits, last requests and last error",
		Long: `Show on one screen how an application is: what systemd says of its socket, how
many connections there were, limits and what they leave, what runs now, and from
the journal the last requests and the last error.

Exit status: 0 when the socket is active, 3 when not, 4 when there is no such
application, 1 when that can't be found out.`,
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
			done := terminal.Progress(os.Stderr, "looking through the journal")
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
