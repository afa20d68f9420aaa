// Package logs prints the entries of an application in the journal.
package logs

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
)

// Reader shows the log of one application.
type Reader struct {
	Host host.Host
	App  *host.Application
	// Follow also prints later entries.
	Follow bool
	// Last limits the number of entries, 0 for all.
	Last int
	// Errors selects errors.
	Errors bool
	// Since is a time in the format of journalctl, "" for the beginning.
	Since string

	probes  journal.Probes
	printed map[string]bool // cursors of entries, with Errors
}

func (r *Reader) query() journal.Query {
	return journal.Query{User: r.Host.User, Matches: journal.Matches(r.App), Since: r.Since, Errors: r.Errors}
}

// All prints the entries to w, with Follow new ones, too, until ctx is done. On a terminal, progress
// gets a note when the search takes over a second.
func (r *Reader) All(ctx context.Context, w, progress io.Writer) error {
	out := newPrinter(w)
	r.probes.User = r.Host.User
	// The newest entry of the journal separates old entries from later ones.
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
	done := terminal.Progress(progress, "searching the journal")
	var found []*journal.Entry
	for e, err := range q.Entries(ctx) {
		if err != nil {
			done()
			return err
		}
		if r.wants(ctx, e) {
			if found = append(found, e); len(found) == r.Last {
				break
			}
		}
	}
	done()
	for _, e := range slices.Backward(found) {
		if err := r.print(ctx, e, out); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) show(ctx context.Context, q journal.Query, out *printer) error {
	for e, err := range q.Entries(ctx) {
		if err == nil && r.wants(ctx, e) {
			err = r.print(ctx, e, out)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wants reports whether an entry belongs to the application and to no probe.
func (r *Reader) wants(ctx context.Context, e *journal.Entry) bool {
	return e.Of(r.App.Name) && !r.probes.Hides(ctx, e)
}

// mostOfRequest limits the entries of a request that are printed with its error.
const mostOfRequest = 100

// print prints an entry. With Errors, the entries of a failed request precede its record: an application that responds
// with 500 itself logs the reason without the priority of an error.
func (r *Reader) print(ctx context.Context, e *journal.Entry, out *printer) error {
	if !r.Errors || e.ID != adapter.RequestMessage || e.RequestID == "" {
		return r.printOnce(e, out)
	}
	of, err := journal.OfRequest(ctx, r.Host.User, r.App.Name, e.RequestID)
	if err != nil {
		return err
	}
	for _, other := range of[max(0, len(of)-mostOfRequest):] {
		if err := r.printOnce(other, out); err != nil {
			return err
		}
	}
	return r.printOnce(e, out)
}

// printOnce prints an entry, unless it was printed with another one.
func (r *Reader) printOnce(e *journal.Entry, out *printer) error {
	if r.Errors {
		if r.printed[e.Cursor] {
			return nil
		}
		if r.printed == nil || len(r.printed) > 10*mostOfRequest {
			r.printed = map[string]bool{}
		}
		r.printed[e.Cursor] = true
	}
	return out.print(e)
}

// Request prints all entries of one request.
func (r *Reader) Request(ctx context.Context, id string, w io.Writer) error {
	out := newPrinter(w)
	found, err := journal.OfRequest(ctx, r.Host.User, r.App.Name, id)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("the journal has no request %s of %s", id, r.App.Name)
	}
	for _, e := range found {
		if err := out.print(e); err != nil {
			return err
		}
	}
	return nil
}
