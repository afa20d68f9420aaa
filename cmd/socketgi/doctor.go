package main

import (
	"fmt"
	"os/signal"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/doctor"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/spf13/cobra"
)

func newDoctor() *cobra.Command {
	var h host.Host
	var asJSON bool
	var options doctor.Options
	cmd := &cobra.Command{
		Use:   "doctor [NAME]",
		Short: "Find out what is wrong with an application, and how it is mended",
		Long: `Look at an application, from its unit files to nginx, and say of everything that
isn't well why it matters and which command mends it. Nothing is changed. Without
NAME all applications are looked at, and then the machine.

Systemd starts the application's service once more to load it with its user,
sandbox and Python, which runs the code that importing it runs. If nothing is wrong
so far, doctor requests a page (GET) through nginx wherever nginx's configuration
passes requests to the application; "ok" means that the application answered.

A "mend:" line is a command that can be pasted: it makes the change, or restores
the file if nginx or systemd refuses the result. A "do:" line describes a manual
step. With --json each finding has an id, which is independent of its wording.

Exit status: 0 when all is well, notes allowed; 1 for warnings, and where
something couldn't be checked; 2 for errors, and where there is no such application. Root can check everything.`,
		Example: "  socketgi doctor hello\n  socketgi doctor --json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s takes one NAME or none: see %s --help", cmd.CommandPath(), cmd.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: completeNamesAt(&h),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := ""
			if len(args) > 0 {
				name = args[0]
			}
			ctx, cancel := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer cancel() // what was made to check is removed whatever happens
			reports, err := doctor.Run(ctx, h, options, name)
			if err != nil { // 1 would say that there is something to be warned of
				fmt.Fprintln(cmd.ErrOrStderr(), "socketgi: "+err.Error())
				return &exitError{status: 2}
			}
			if asJSON {
				if err := plain.WriteJSON(cmd.OutOrStdout(), reports); err != nil {
					return err
				}
			} else {
				doctor.Print(cmd.OutOrStdout(), reports)
			}
			if status := doctor.Status(reports); status != 0 {
				return &exitError{status: status}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	defineHost(cmd, &h)
	cmd.Flags().BoolVar(&options.NoRequest, "no-request", false, "don't ask the application for a page through nginx")
	return cmd
}
