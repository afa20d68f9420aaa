package install

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
	"github.com/socketgi/socketgi/scgi/scgihttp"
)

// checkAnswers requests a page of the application.
func (a *adding) checkAnswers(ctx context.Context) error {
	app, err := a.Host.Load(a.Options.Name)
	if err != nil {
		return err
	}
	done := terminal.Progress(os.Stderr, "requesting a page of "+a.Options.Name)
	status, err := a.ask(ctx, app)
	done()
	if err != nil {
		return err
	}
	a.Log("%s answers: %s", a.Options.Name, status)
	return nil
}

// ask requests a page of the application, as a web server does, and returns its status. A status from 500 on is an
// error.
func (a *Add) ask(ctx context.Context, app *host.Application) (status string, err error) {
	if a.Timeout > 0 {
		queue := app.Adapter.QueueTimeout
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, a.Timeout+queue, fmt.Errorf("no response after %s", adapter.FormatDuration(a.Timeout+queue)))
		defer cancel()
	}
	mount := strings.TrimRight(a.Options.Mount, "/")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+mount+"/", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", "socketgi add")
	address := "tcp:" + app.Listen
	if strings.HasPrefix(app.Listen, "/") {
		address = "unix:" + app.Listen
	}
	since := time.Now()
	resp, err := (&scgihttp.Transport{Address: address, Mount: mount}).RoundTrip(req)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", a.unanswered(mount, failure.Text(err), logged(ctx, a.Host, app, since))
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	switch {
	case resp.StatusCode >= 500:
		if id := resp.Header.Get(adapter.RequestIDHeader); id != "" {
			return "", a.unanswered(mount, resp.Status, loggedOf(ctx, a.Host, id))
		}
		return "", a.unanswered(mount, resp.Status, logged(ctx, a.Host, app, since))
	case err != nil:
		return "", a.unanswered(mount, failure.Text(err), logged(ctx, a.Host, app, since))
	}
	return resp.Status, nil
}

func (a *Add) unanswered(mount, what, log string) error {
	if log != "" {
		log = ":\n" + plain.Quote(log)
	}
	return fmt.Errorf("%s answers GET %s/ with %s%s", a.Options.Name, mount, what, log)
}

// loggedOf returns the errors of a request in the journal.
func loggedOf(ctx context.Context, h host.Host, id string) string {
	q := journal.Query{User: h.User, Errors: true, Last: mostLogged, Matches: []string{adapter.FieldRequestID + "=" + id}}
	return await(ctx, q, func(*journal.Entry) bool { return true })
}

// logged returns the entries of an application's services in the journal since then.
func logged(ctx context.Context, h host.Host, app *host.Application, since time.Time) string {
	q := journal.Query{User: h.User, Since: fmt.Sprintf("@%d", since.Unix()), Last: mostLogged, Matches: journal.Matches(app)}
	return await(ctx, q, func(e *journal.Entry) bool { return e.Of(app.Name) && e.Unit != app.Socket.Name })
}

// mostLogged limits the number of entries.
const mostLogged = 200

// await returns the wanted entries, "" if there are none after a while: the journal has new entries after a moment.
func await(ctx context.Context, q journal.Query, wanted func(*journal.Entry) bool) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	for {
		var lines []string
		for e, err := range q.Entries(ctx) {
			if err != nil {
				return ""
			}
			if wanted(e) {
				lines = append(lines, e.Message)
			}
		}
		if text := strings.TrimSpace(strings.Join(lines, "\n")); text != "" {
			return text
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ""
		}
	}
}
