// Command socketgi is what an operator types: it tries applications out, sets them up,
// shows how they are, and prints what systemd and nginx need to serve them.
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
		Long: `socketgi serves web applications the way inetd served everything: systemd
listens, and starts the application for the request that comes in. The web server
speaks SCGI to the socket. Nothing runs while nobody asks.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newDev(), newAdd(), newRemove(), newList(), newStatus(), newLogs(), newGet(), newDoctor(),
		newUnits(), newNginx(), newImport(), newRefresh(), newCompletion(), newMan())
	defineVersion(root)
	return root
}
