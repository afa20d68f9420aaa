package journal

import (
	"context"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
)

// OfRequest returns the entries of a request by the application called name and its adapter. An instance is for one
// request: all entries of its processes belong to that.
func OfRequest(ctx context.Context, user bool, name, id string) ([]*Entry, error) {
	q := Query{User: user, Matches: []string{adapter.FieldRequestID + "=" + id}}
	found, err := q.of(ctx, name)
	if err != nil {
		return nil, err
	}
	invocations := map[string]bool{}
	q.Matches = nil
	for _, e := range found {
		if e.Invocation != "" && strings.Contains(e.Unit, "@") && !invocations[e.Invocation] {
			invocations[e.Invocation] = true
			q.Matches = append(q.Matches, "_SYSTEMD_INVOCATION_ID="+e.Invocation)
		}
	}
	if len(q.Matches) == 0 {
		return found, nil
	}
	return q.of(ctx, name)
}

// of returns the entries of an application.
func (q Query) of(ctx context.Context, name string) (found []*Entry, err error) {
	for e, err := range q.Entries(ctx) {
		if err != nil {
			return nil, err
		}
		if e.Of(name) {
			found = append(found, e)
		}
	}
	return found, nil
}
