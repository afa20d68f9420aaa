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
		Short: "Show the log of an application",
		Long: `Show the journal of an application: its requests with their statuses, its
output, tracebacks, and systemd's messages about its units. With -f, follow it
until Ctrl-C.

With --errors, show entries of priority err and worse, and requests with a
status of 500 or more together with all entries logged during them.

With --id, show all entries of one request, including those of other programs
that the application started. journalctl shows all fields.

Exit status: 0, or 1 if the journal can't be read, or has no such request.`,
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
				return errors.New("--id shows all entries of one request: omit -f and -n")
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
	f.BoolVarP(&r.Follow, "follow", "f", false, "follow the journal")
	f.StringVarP(&last, "lines", "n", "", "show the last `N` entries, or all (default 50; with --since all)")
	f.StringVar(&id, "id", "", "show all entries of the request with this `ID`")
	f.BoolVar(&r.Errors, "errors", false, "show errors only")
	f.StringVar(&r.Since, "since", "", "show entries since `TIME`, in the syntax of journalctl: yesterday, \"1 hour ago\", 12:30")
	return cmd
}

// parseLast parses the number of entries, 0 for all.
func parseLast(s, since string) (int, error) {
	switch {
	case s == "all", s == "" && since != "":
		return 0, nil
	case s == "":
		return 50, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("-n %s: expected a number of entries, or all", s)
	}
	return n, nil
}
