package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"github.com/spf13/cobra"
)

func newLogs() *cobra.Command {
	var o logOptions
	var last string
	cmd := &cobra.Command{
		Use:   "logs NAME",
		Short: "Show what the journal has of an application",
		Long: `Show what the journal has of an application: its requests with their statuses,
what it printed, tracebacks, and what systemd says of its units. -f goes on
until Ctrl-C.

Entries of other programs that it started, and that log by themselves, are shown
with --id; all fields of all entries by journalctl.

Exit status: 0, or 1 when the journal can't be read, or has nothing under --id.`,
		Example: "  socketgi logs hello -f\n  socketgi logs hello --errors --since yesterday\n" +
			"  socketgi logs hello --id 5b2c0e6f4a9d1e7c8b3f2a6d9c0e4b71",
		Args:              words("NAME"),
		ValidArgsFunction: completeNamesAt(&o.host),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if o.last, err = parseLast(last, o.since != ""); err != nil {
				return err
			}
			if o.id != "" && (o.follow || cmd.Flags().Changed("lines")) {
				return errors.New("--id shows all that there is of one request: leave -f and -n out")
			}
			a, err := o.host.Load(args[0])
			if err != nil {
				return err
			}
			if !o.host.User {
				if err := journal.Readable(); err != nil {
					return err
				}
			}
			ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			l := &logReader{logOptions: o, app: a, errOut: os.Stderr,
				out: &logPrinter{w: cmd.OutOrStdout(), paint: newPainter(cmd.OutOrStdout())}}
			if o.id != "" {
				return l.request(ctx)
			}
			return l.all(ctx)
		},
	}
	f := cmd.Flags()
	defineHost(cmd, &o.host)
	f.BoolVarP(&o.follow, "follow", "f", false, "go on with what comes")
	f.StringVarP(&last, "lines", "n", "", "show the last `N` entries, or all (default 50, or all with --since)")
	f.StringVar(&o.id, "id", "", "show all that there is of the request with this `ID`")
	f.BoolVar(&o.errors, "errors", false, "show errors only")
	f.StringVar(&o.since, "since", "", "show what is not older than `TIME`, as journalctl takes it: yesterday, \"1 hour ago\", 12:30")
	return cmd
}

// logOptions say what of the log is wanted.
type logOptions struct {
	host   host.Host
	follow bool
	last   int // 0: all
	id     string
	errors bool
	since  string
}

func parseLast(s string, since bool) (int, error) {
	switch {
	case s == "all", s == "" && since:
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

// logReader shows the log of one application.
type logReader struct {
	logOptions
	app    *host.Application
	out    *logPrinter
	errOut io.Writer
}

func (l *logReader) query() journal.Query {
	return journal.Query{User: l.host.User, Matches: journal.Matches(l.app), Since: l.since, Errors: l.errors}
}

// all shows what there is, and what comes.
func (l *logReader) all(ctx context.Context) error {
	// What is there ends, and what comes begins, at the newest entry of the whole journal.
	now := ""
	for e, err := range (journal.Query{User: l.host.User, Backwards: true, Last: 1}).Entries(ctx) {
		if err != nil {
			return err
		}
		now = e.Cursor
	}
	if err := l.past(ctx, now); err != nil || !l.follow {
		return err
	}
	q := l.query()
	q.Follow, q.After = true, now
	if now != "" {
		q.Since = ""
	}
	return l.show(ctx, q)
}

// past shows what there is up to the entry with that cursor.
func (l *logReader) past(ctx context.Context, newest string) error {
	q := l.query()
	if l.last == 0 {
		return l.show(ctx, q)
	}
	q.Backwards, q.From = true, newest
	if newest == "" {
		return nil
	}
	done := progress(l.errOut, "looking through the journal")
	var found []*journal.Entry
	for e, err := range q.Entries(ctx) {
		if err != nil {
			done()
			return err
		}
		if e.Of(l.app.Name) {
			if found = append(found, e); len(found) == l.last {
				break
			}
		}
	}
	done()
	for _, e := range slices.Backward(found) {
		if err := l.out.print(e); err != nil {
			return err
		}
	}
	return nil
}

func (l *logReader) show(ctx context.Context, q journal.Query) error {
	for e, err := range q.Entries(ctx) {
		if err == nil && e.Of(l.app.Name) {
			err = l.out.print(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// request shows what there is of one request.
func (l *logReader) request(ctx context.Context) error {
	q := l.query()
	q.Matches = []string{"SOCKETGI_REQUEST_ID=" + l.id}
	var found []*journal.Entry
	invocations := map[string]bool{}
	for e, err := range q.Entries(ctx) {
		if err != nil {
			return err
		}
		if e.Of(l.app.Name) {
			found = append(found, e)
			if e.Invocation != "" && strings.Contains(e.Unit, "@") {
				invocations[e.Invocation] = true
			}
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("the journal has nothing of a request %s of %s", l.id, l.app.Name)
	}
	if len(invocations) > 0 {
		// An instance is there for one request: all that any of its processes logged is
		// of that one.
		q.Matches = nil
		for id := range invocations {
			q.Matches = append(q.Matches, "_SYSTEMD_INVOCATION_ID="+id)
		}
		return l.show(ctx, q)
	}
	for _, e := range found {
		if err := l.out.print(e); err != nil {
			return err
		}
	}
	return nil
}
