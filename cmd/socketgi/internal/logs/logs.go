// Package logs shows what the journal has of an application.
package logs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
)

// Reader shows the log of one application.
type Reader struct {
	Host host.Host
	App  *host.Application
	// Follow goes on with what comes.
	Follow bool
	// Last is how many entries are shown, 0 for all.
	Last int
	// Errors leaves out what is no error.
	Errors bool
	// Since is a time as journalctl takes it, "" for the beginning.
	Since string
}

func (r *Reader) query() journal.Query {
	return journal.Query{User: r.Host.User, Matches: journal.Matches(r.App), Since: r.Since, Errors: r.Errors}
}

// All prints the entries to w, with Follow new ones, too, until ctx is done. On a terminal, progress
// gets a note when the search takes over a second.
func (r *Reader) All(ctx context.Context, w, progress io.Writer) error {
	out := newPrinter(w)
	// The newest entry of the whole journal separates old entries from those still to come.
	now := ""
	for e, err := range (journal.Query{User: r.Host.User, Backwards: true, Last: 1}).Entries(ctx) {
		if err != nil {
			return err
		}
		now = e.Cursor
	}
	if err := r.past(ctx, now, out, progress); err != nil || !r.Follow {
		return err
	}
	q := r.query()
	q.Follow, q.After = true, now
	if now != "" {
		q.Since = ""
	}
	return r.show(ctx, q, out)
}

// past prints the entries up to the one with that cursor.
func (r *Reader) past(ctx context.Context, newest string, out *printer, progress io.Writer) error {
	q := r.query()
	if r.Last == 0 {
		return r.show(ctx, q, out)
	}
	q.Backwards, q.From = true, newest
	if newest == "" {
		return nil
	}
	done := terminal.Progress(progress, "looking through the journal")
	var found []*journal.Entry
	for e, err := range q.Entries(ctx) {
		if err != nil {
			done()
			return err
		}
		if e.Of(r.App.Name) {
			if found = append(found, e); len(found) == r.Last {
				break
			}
		}
	}
	done()
	for _, e := range slices.Backward(found) {
		if err := out.print(e); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) show(ctx context.Context, q journal.Query, out *printer) error {
	for e, err := range q.Entries(ctx) {
		if err == nil && e.Of(r.App.Name) {
			err = out.print(e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Request prints all entries of one request.
func (r *Reader) Request(ctx context.Context, id string, w io.Writer) error {
	out := newPrinter(w)
	q := r.query()
	q.Matches = []string{adapter.FieldRequestID + "=" + id}
	var found []*journal.Entry
	invocations := map[string]bool{}
	for e, err := range q.Entries(ctx) {
		if err != nil {
			return err
		}
		if e.Of(r.App.Name) {
			found = append(found, e)
			if e.Invocation != "" && strings.Contains(e.Unit, "@") {
				invocations[e.Invocation] = true
			}
		}
	}
	if len(found) == 0 {
		return fmt.Errorf("the journal has nothing of a request %s of %s", id, r.App.Name)
	}
	if len(invocations) > 0 {
		// An instance is there for one request: all that any of its processes logged is
		// of that one.
		q.Matches = nil
		for invocation := range invocations {
			q.Matches = append(q.Matches, "_SYSTEMD_INVOCATION_ID="+invocation)
		}
		return r.show(ctx, q, out)
	}
	for _, e := range found {
		if err := out.print(e); err != nil {
			return err
		}
	}
	return nil
}
