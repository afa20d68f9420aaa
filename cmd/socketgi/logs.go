package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/logs"
	"github.com/spf13/cobra"
)

func newLogs() *cobra.Command {
	var r logs.Reader
	var last, id string
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show what the journal has of an application",
		Long: `Show what the journal has of an application: its requests with their statuses,
what it printed, tracebacks, and what systemd says of its units. -f goes on
until Ctrl-C.

--errors shows what is marked as an error, each request that ended with a status
from 500 on, and with it all that was logged for it meanwhile.

Entries of other programs that it started, and that log by themselves, are shown
with --id; all fields of all entries by journalctl.

Exit status: 0, or 1 when the journal can't be read, or has nothing under --id.`,
		Example: "  socketgi logs hello -f\n  socketgi logs hello --errors --since yesterday\n" +
			"  socketgi logs hello --id 5b2c0e6f4a9d1e7c8b3f2a6d9c0e4b71",
		Args:              words("NAME"),
		ValidArgsFunction: completeNamesAt(&r.Host),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if r.Last, err = parseLast(last, r.Since); err != nil {
				return err
			}
			if id != "" && (r.Follow || cmd.Flags().Changed("lines")) {
				return errors.New("--id shows all that there is of one request: leave -f and -n out")
			}
			a, err := r.Host.Load(args[0])
			if err != nil {
				return err
			}
			if !r.Host.User {
				if err := journal.Readable(); err != nil {
					return err
				}
			}
			ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			r.App = a
			if id != "" {
				return r.Request(ctx, id, cmd.OutOrStdout())
			}
			return r.All(ctx, cmd.OutOrStdout(), os.Stderr)
		},
	}
	f := cmd.Flags()
	defineHost(cmd, &r.Host)
	f.BoolVarP(&r.Follow, "follow", "f", false, "go on with what comes")
	f.StringVarP(&last, "lines", "n", "", "show the last `N` entries, or all (default 50, or all with --since)")
	f.StringVar(&id, "id", "", "show all that there is of the request with this `ID`")
	f.BoolVar(&r.Errors, "errors", false, "show errors only")
	f.StringVar(&r.Since, "since", "", "show what is not older than `TIME`, as journalctl takes it: yesterday, \"1 hour ago\", 12:30")
	return cmd
}

// parseLast reads how many entries are wanted, 0 for all.
func parseLast(s, since string) (int, error) {
	switch {
	case s == "all", s == "" && since != "":
		return 0, nil
	case s == "":
		return 50, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("-n %s: a number of entries, or all", s)
	}
	return n, nil
}
