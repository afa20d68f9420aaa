package doctor

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/nginxconf"
)

const (
	// mostWait limits the wait for a page.
	mostWait = 90 * time.Second
	// loggedWithin limits the wait for the journal record of a request.
	loggedWithin = 20 * time.Second
)

// checkAnswers requests a page through the web server at each location that passes requests to the
// application: nginx may run with another configuration than in its files, or another program may
// answer.
func checkAnswers(ctx context.Context, x *examination, app *host.Application) (f findings) {
	elsewhere := x.elsewhere(ctx, app)
	if x.web.err != nil && !elsewhere { // the check of nginx reports that
		return nil
	}
	if x.noRequest {
		f.note("not-asked", "not requested: --no-request", "whether the web server reaches the application is not checked", "")
		return f
	}
	all := nginxPlaces(x.web.conf, app)
	for _, w := range x.fronts {
		if !elsewhere || !x.concerns(ctx, w, app) {
			continue
		}
		for _, p := range w.to(ctx, app) {
			if w.name == "apache" {
				all = append(all, apachePlaces(w, p)...)
			} else {
				all = append(all, lighttpdPlaces(w, p)...)
			}
		}
	}
	for _, p := range all {
		if x.answers(ctx, app, p, &f); f.failed() {
			return f
		}
	}
	if len(f) == 0 {
		f.note("not-asked", "not requested: the web server's configuration has no location that clients can reach", "whether it answers through the web server is not checked", "")
	}
	return f
}

// nginxPlaces lists where a client reaches an application through nginx: one place for each port, and each URL once.
func nginxPlaces(conf []*nginxconf.Directive, app *host.Application) (all []place) {
	found, _ := routes(conf, app.Listen)
	seen := map[string]bool{}
	for _, r := range found {
		if r.level.Value("scgi_pass_request_headers", "on") == "off" {
			continue // its mark would not arrive
		}
		for _, p := range places(r) {
			server := p.network + p.host
			if at := taker(p.route, p.path); seen[server] && seen[p.String()] || at != r.location() {
				continue // another location handles it
			}
			seen[server], seen[p.String()] = true, true
			all = append(all, p)
		}
	}
	return all
}

// answer is the result of a request through the web server.
type answer struct {
	id     string
	status int
	header http.Header
	err    error
	// entries are the journal entries about the request.
	entries []*journal.Entry
	// began is the time of the request.
	began time.Time
	// noLog is the reason why the journal can't be read.
	noLog error
	// accepted is the number of connections that the socket accepted during the request, and others that of
	// the sockets of other applications.
	accepted, others uint32
}

// by returns the application that logged the request, "" for none.
func (a *answer) by(apps ...string) string {
	for _, e := range a.entries {
		for _, name := range apps {
			if e.Of(name) {
				return name
			}
		}
	}
	return ""
}

// answers requests a page, and judges the response.
func (x *examination) answers(ctx context.Context, app *host.Application, p place, f *findings) {
	a := x.ask(ctx, app, p)
	var names []string
	apps, _ := x.host.List()
	for _, other := range apps {
		names = append(names, other.Name)
	}
	by := a.by(append([]string{app.Name}, names...)...)
	arrived := by == app.Name
	if by == "" && a.accepted > 0 && (!app.Adapter.AccessLog || len(a.entries) > 0 && a.others == 0) {
		// Only this application accepts connections there. journald finds no unit for a process that ended
		// before journald read its message, as on a busy machine.
		arrived = true
	}
	switch {
	case ctx.Err() != nil:
	case a.err != nil:
		f.fail("no-answer", fmt.Sprintf("%s: %s", p, failure.Text(a.err)), "the client gets no answer", "").Do = "read " + p.server() + "'s error.log, and: socketgi logs " + app.Name
	case arrived && a.status >= 500, arrived && a.refused() != "":
		what := fmt.Sprintf("%s is answered with %d", p, a.status)
		if text := a.errors(); text != "" {
			what += ":\n" + text
		}
		f.fail("answered-with-error", what, "clients get the same", "").Do = "read its log: socketgi logs --errors " + app.Name
	case arrived:
		f.ok(fmt.Sprintf("%s is answered with %d by %s", p, a.status, app.Name))
	case by != "":
		f.fail("answered-by-another", fmt.Sprintf("%s is answered by %s, and not by %s", p, by, app.Name), "two applications have the same URL: clients get the other one", "").Do =
			fmt.Sprintf("give one of them another path: socketgi %s %s --mount /PATH", strings.ToLower(p.server()), app.Name)
	default:
		x.lost(ctx, app, p, a, f)
	}
}

// refused is the reason why the adapter refused the request, "" if it didn't.
func (a *answer) refused() string {
	for _, e := range a.entries {
		if e.ID == adapter.ProblemMessage && e.Status >= 400 {
			return e.Message
		}
	}
	return ""
}

// errors returns the messages about the request with priority warning or higher.
func (a *answer) errors() string {
	var lines []string
	for _, e := range a.entries {
		if e.ID != adapter.RequestMessage && e.Priority <= 4 {
			lines = append(lines, strings.TrimRight(e.Message, "\n"))
		}
	}
	return strings.Join(lines, "\n")
}

// lost finds the reason why a request did not reach the application.
func (x *examination) lost(ctx context.Context, app *host.Application, p place, a *answer, f *findings) {
	what := fmt.Sprintf("%s is answered with %d, but the request did not reach %s", p, a.status, app.Name)
	if p.front != nil {
		x.lostBehind(p.front, app, a, what, f)
		return
	}
	location := p.route.location()
	switch {
	case a.status == 502 && x.withoutGroup(app) != "":
		group := x.withoutGroup(app)
		f.fail("nginx-groups", fmt.Sprintf("%s: nginx's workers run without the group %s, which %s is in now", what, group, x.web.user.Name),
			"the web server answers 502, and its error log has Permission denied", reload)
	case a.status == 401, a.status == 403 && (len(location.Here("deny")) > 0 || len(location.Here("auth_request")) > 0):
		f.note("answer-needs-login", fmt.Sprintf("%s: nginx requires authorization", what), "whether nginx reaches the application is unknown", "")
	case a.status >= 300 && a.status < 400:
		f.note("answer-redirect", fmt.Sprintf("%s: nginx redirects to %s", what, a.header.Get("Location")), "whether nginx reaches the application is unknown", "")
	case a.status < 400 && len(location.Here("scgi_cache")) > 0 && location.Value("scgi_cache", "off") != "off":
		f.note("answer-cached", fmt.Sprintf("%s: nginx answers from its cache (scgi_cache)", what), "whether nginx reaches the application is unknown", "")
	case app.Warm && recorded(ctx, x.host, app, p.path, a.began):
		f.note("answer-unknown", fmt.Sprintf("%s is answered with %d, and %s logs such a request without the doctor's mark", p, a.status, app.Name),
			"it runs an older socketgi-adapter, or a client requested the page at the same time", "systemctl try-restart "+app.Service.Name)
	case a.noLog != nil, !app.Adapter.AccessLog && app.Warm || !app.UsesAdapter():
		f.note("answer-unknown", fmt.Sprintf("%s is answered with %d; whether %s answered is not in its log (--access-log)", p, a.status, app.Name), "another program may answer", "")
	case firstServer(x.web.conf, p) != p.route.level.In("server"):
		f.fail("server-block-shadowed", what+": nginx chooses the server block at "+firstServer(x.web.conf, p).Place()+" for that name and port, and the location is in another one", "clients get responses of that block", "").Do =
			"give the server blocks different names (server_name), or put the location into that one"
	default:
		f.fail("nginx-runs-another-configuration", what+": nginx runs with another configuration than in its files", "clients don't reach the application", reload)
	}
}

// lostBehind is lost for Apache and lighttpd.
func (x *examination) lostBehind(w *front, app *host.Application, a *answer, what string, f *findings) {
	const unknown = "whether the application is reached is not checked"
	switch {
	case a.status == 401, a.status == 403:
		f.note("answer-needs-login", what+": "+w.title+" requires a login", unknown, "")
	case a.status >= 300 && a.status < 400:
		f.note("answer-redirect", fmt.Sprintf("%s: %s redirects to %s", what, w.title, a.header.Get("Location")), unknown, "")
	case a.noLog != nil, !app.Adapter.AccessLog && app.Warm || !app.UsesAdapter():
		f.note("answer-unknown", what+"; its log has no record of requests (--access-log)", "another program may answer", "")
	default:
		f.fail(w.name+"-runs-another-configuration", what+": "+w.title+" runs with another configuration than in its files", "clients get that, and not the application", w.reload())
	}
}

// withoutGroup returns the group that permits nginx's user to connect, if nginx's workers lack it: they keep
// the groups that the user had when they started.
func (x *examination) withoutGroup(app *host.Application) string {
	return missingGroup(x.web, app.Listen)
}

// ask requests a page.
func (x *examination) ask(ctx context.Context, app *host.Application, p place) *answer {
	a := &answer{id: "doctor-" + rand.Text(), began: time.Now()}
	before, others := x.accepted(ctx, app), x.acceptedByOthers(ctx, app)
	takes, queue := longest(app)
	limit := takes + queue + 5*time.Second
	if takes == 0 || limit > mostWait {
		limit = mostWait
	}
	asking, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("no response after %s", adapter.FormatDuration(limit)))
	defer cancel()
	_ = journal.AnnounceProbe(a.id, app.Name) // an unannounced request is listed with those of clients
	req, err := http.NewRequestWithContext(asking, http.MethodGet, p.String(), nil)
	if err != nil {
		a.err = err
		return a
	}
	req.Header.Set("User-Agent", "socketgi doctor")
	req.Header.Set(adapter.ProbeHeader, a.id)
	client := &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, // only to this machine, so certificates are not checked
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, p.network, p.address)
		},
	}
	resp, err := client.RoundTrip(req)
	if err != nil {
		if a.err = err; asking.Err() != nil {
			a.err = context.Cause(asking)
		}
		return a
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	a.accepted, a.others = x.accepted(ctx, app)-before, x.acceptedByOthers(ctx, app)-others
	a.entries, a.noLog = arrivals(ctx, x.host, app, a)
	return a
}

// accepted returns the number of connections that systemd accepted at the application's socket (NAccepted).
func (x *examination) accepted(ctx context.Context, app *host.Application) uint32 {
	return manager.Get[uint32](x.ifThere(ctx, app.Socket.Name, "Socket"), "NAccepted")
}

// acceptedByOthers returns the sum of accepted for all other applications.
func (x *examination) acceptedByOthers(ctx context.Context, app *host.Application) (sum uint32) {
	apps, _ := x.host.List()
	for _, other := range apps {
		if other.Name != app.Name {
			sum += x.accepted(ctx, other)
		}
	}
	return sum
}

// arrivals returns the journal entries about a request; its record is the last one.
func arrivals(ctx context.Context, h host.Host, app *host.Application, a *answer) (entries []*journal.Entry, err error) {
	ctx, cancel := context.WithTimeout(ctx, loggedWithin)
	defer cancel()
	matches := []string{adapter.FieldProbe + "=" + a.id}
	if id := a.header.Get(adapter.RequestIDHeader); id != "" {
		matches = append(matches, "+", adapter.FieldRequestID+"="+id)
	}
	accepts := !app.Warm && app.UsesAdapter() // systemd counts them
	for {
		journal.Sync(ctx)
		entries = nil
		q := journal.Query{User: h.User, Since: "-5min", Matches: matches}
		for e, err := range q.Entries(ctx) {
			if err != nil {
				return entries, err
			}
			if e.ID != adapter.ProbeMessage { // the announcement
				entries = append(entries, e)
			}
		}
		if accepts && a.accepted+a.others == 0 { // no entry is on its way
			return entries, nil
		}
		if a.status < 400 && len(entries) > 0 || slices.ContainsFunc(entries, func(e *journal.Entry) bool { return e.Status != 0 }) {
			return entries, nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return entries, nil
		}
	}
}

// recorded reports whether an application has logged a request for a path since a time.
func recorded(ctx context.Context, h host.Host, app *host.Application, path string, since time.Time) bool {
	q := journal.Query{User: h.User, Since: "-5min", Matches: []string{adapter.FieldMethod + "=GET", adapter.FieldPath + "=" + path}}
	for e, err := range q.Entries(ctx) {
		if err != nil {
			return false
		}
		if e.Of(app.Name) && e.Time.After(since) {
			return true
		}
	}
	return false
}
