// Command socketgi is the operator's command: it adds applications, shows their state and logs, and
// checks them, from their units to the web server.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/spf13/cobra"
)

func main() {
	cmd := newCommand()
	cmd.SetErr(plain.NewWriter(os.Stderr))
	if err := cmd.ExecuteContext(context.Background()); err != nil {
		if err.Error() != "" {
			fmt.Fprintln(cmd.ErrOrStderr(), "socketgi: "+explain(err))
		}
		os.Exit(exitStatus(err))
	}
}

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "socketgi",
		Short: "Web applications that systemd starts on demand, for one request at a time",
		Long: `socketgi serves web applications as inetd served network services: systemd
listens, and starts the application for each request. The web server speaks SCGI
to the socket. Between requests no process runs.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(systemctlVerbs()...)
	root.AddCommand(newDev(), newAdd(), newRemove(), newList(), newStatus(), newLogs(), newGet(), newDoctor(),
		newUnits(), newNginx(), newApache(), newLighttpd(), newImport(), newRefresh(), newCompletion(), newMan())
	defineVersion(root)
	setHelp(root)
	return root
}
