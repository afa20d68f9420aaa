package main

import (
	"fmt"
	"os/signal"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/doctor"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
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
		Short: "Find problems of an application and the commands that mend them",
		Long: `Check an application, from its unit files to the web server (nginx, Apache or
lighttpd). Each problem is listed with its effect and the command that mends it.
Nothing is changed. Without NAME, all applications and the machine are checked.

systemd starts the application's service once more to load it with its user,
sandbox and Python; importing it runs its code. If nothing is wrong so far,
doctor requests a page (GET) through the web server at each location that passes
requests to the application; "ok" means that the application answered.

A "mend:" line is a command that can be pasted: it makes the change, or restores
the file if the web server or systemd refuses the result. A "do:" line describes
a manual step. With --json each finding has an id, which is independent of its
wording.

Exit status: 0 if there are at most notes; 1 for warnings and failed checks; 2
for errors and if there is no such application. Only root can check everything.`,
		Example: "  socketgi doctor hello\n  socketgi doctor --json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("%s: expected at most one NAME, got %s; see %s --help", cmd.CommandPath(), count(args), cmd.CommandPath())
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
			defer cancel()
			reports, err := doctor.Run(ctx, h, options, name)
			if err != nil { // status 1 stands for warnings
				fmt.Fprintln(cmd.ErrOrStderr(), "socketgi: "+failure.Text(err))
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
	cmd.Flags().BoolVar(&options.NoRequest, "no-request", false, "don't request a page through the web server")
	return cmd
}
