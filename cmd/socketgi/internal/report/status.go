package report

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// Status is the state of an application. The names in its JSON don't change.
type Status struct {
	Listing
	Active      string      `json:"active_state"`
	Sub         string      `json:"sub_state"`
	Result      string      `json:"result"`
	Since       *time.Time  `json:"since"`
	Connections connections `json:"connections"`
	Limits      limits      `json:"limits"`
	Slots       *host.Slots `json:"slots"` // null: no limit, or unknown
	// Allowed are the users besides root whose requests are served, null for all that may connect.
	Allowed []string `json:"allowed_users"`
	// Python is the path of the application's Python, "" for none or an unknown one.
	Python    string         `json:"python,omitempty"`
	Services  []serviceState `json:"services"`
	Requests  []request      `json:"requests"` // the last ones, newest first
	LastError *lastError     `json:"last_error"`
	// Notes are failed queries, with the reasons.
	Notes []string `json:"notes"`

	host  host.Host
	app   *host.Application
	state *host.State
}

type connections struct {
	Accepted uint32 `json:"accepted"`
	Now      uint32 `json:"now"`
	Refused  uint32 `json:"refused"`
}

type limits struct {
	MaxConnections          uint32  `json:"max_connections"`
	MaxConnectionsPerSource uint32  `json:"max_connections_per_source"`
	TriggerIntervalSeconds  float64 `json:"trigger_interval_seconds"` // 0 is no limit
	TriggerBurst            uint32  `json:"trigger_burst"`
	Timeout                 string  `json:"timeout,omitempty"` // the adapter's
	QueueTimeout            string  `json:"queue_timeout,omitempty"`
}

type serviceState struct {
	Name        string     `json:"name"`
	Active      string     `json:"active_state"`
	Sub         string     `json:"sub_state"`
	Result      string     `json:"result"`
	Text        string     `json:"status_text,omitempty"`
	PID         uint32     `json:"pid,omitempty"`
	Since       *time.Time `json:"since"`
	MemoryBytes *int64     `json:"memory_bytes"` // null: no memory accounting
}

type request struct {
	Time   time.Time `json:"time"`
	ID     string    `json:"id"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Status int       `json:"status"`
	Bytes  int64     `json:"bytes"`
	MS     float64   `json:"ms"`
}

type lastError struct {
	Time    time.Time `json:"time"`
	ID      string    `json:"id"` // of the request, "" when it has none
	Unit    string    `json:"unit"`
	Message string    `json:"message"`
}

// StatusOf queries systemd, the kernel and the journal.
func StatusOf(h host.Host, a *host.Application) (*Status, error) {
	ctx, cancel := context.WithTimeout(context.Background(), manager.Timeout)
	defer cancel()
	c, err := h.Connect(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	st, err := a.State(ctx, c)
	if err != nil {
		return nil, err
	}
	s := &Status{Listing: newListing(h, a), host: h, app: a, state: st, Active: st.Active, Sub: st.Sub, Result: st.Result, Since: timeOrNull(st.Since),
		Connections: connections{st.Accepted, st.Now, st.Refused},
		Limits: limits{MaxConnections: st.MaxConnections, MaxConnectionsPerSource: st.MaxPerSource,
			TriggerIntervalSeconds: st.TriggerInterval.Seconds(), TriggerBurst: st.TriggerBurst},
		Allowed: a.Allowed(), Python: pythonOf(a), Services: []serviceState{}, Requests: []request{}, Notes: []string{},
	}
	s.fill(st)
	if len(st.Listen) > 0 {
		s.Listen = st.Listen[0] // with its specifiers expanded
	}
	if a.UsesAdapter() {
		s.Limits.Timeout, s.Limits.QueueTimeout = seconds(a.Adapter.Timeout), seconds(a.Adapter.QueueTimeout)
	}
	services, err := a.Services(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, r := range services {
		state := serviceState{r.Name, r.Active, r.Sub, r.Result, r.Text, r.PID, timeOrNull(r.Since), nil}
		if r.Memory >= 0 {
			state.MemoryBytes = &r.Memory
		}
		s.Services = append(s.Services, state)
	}
	if s.Slots, err = h.Slots(a); err != nil {
		s.note("slots: %s", failure.Text(err))
	}
	s.readJournal()
	return s, nil
}

// pythonOf is the Python of an application according to its command line.
func pythonOf(a *host.Application) string {
	operands := a.Adapter.Operands
	if a.Adapter.Python != "" || !a.Adapter.WSGI() || len(operands) != 1 || !filepath.IsAbs(operands[0]) {
		return a.Adapter.Python
	}
	app, err := wsgi.ParseApp(operands[0])
	if err != nil {
		return ""
	}
	python, _, _ := wsgi.FindPython(app)
	return python
}

func (s *Status) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

const (
	// shownRequests is the number of last requests that are shown.
	shownRequests = 5
	// lookBack limits the search in the journal, which is long if other services log a lot.
	lookBack = 5 * time.Second
)

// readJournal finds the last requests and the last error.
func (s *Status) readJournal() {
	if !s.host.User {
		if err := journal.Readable(); err != nil {
			s.note("last requests and errors: %s", failure.Text(err))
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookBack)
	defer cancel()
	errs := make(chan error, 1)
	go func() { errs <- s.readError(ctx) }()
	err := s.readRequests(ctx)
	for _, err := range []error{err, <-errs} {
		if err != nil {
			s.note("last requests and errors: %s", failure.Text(err))
		}
	}
	if ctx.Err() != nil {
		s.note("the journal is long: the search ended after %s", adapter.FormatDuration(lookBack))
	}
}

func (s *Status) readRequests(ctx context.Context) error {
	probes := journal.Probes{User: s.host.User}
	q := journal.Query{User: s.host.User, Backwards: true, Matches: []string{"MESSAGE_ID=" + adapter.RequestMessage}}
	for e, err := range q.Entries(ctx) {
		switch {
		case err != nil:
			return err
		case !e.Of(s.Name) || probes.Hides(ctx, e):
			continue
		}
		s.Requests = append(s.Requests, request{e.Time, e.RequestID, e.Method, e.Path, e.Status, e.Bytes, e.MS})
		if len(s.Requests) == shownRequests {
			break
		}
	}
	return nil
}

// readError finds the last error of the adapter, of systemd starting it, or of the application.
func (s *Status) readError(ctx context.Context) error {
	probes := journal.Probes{User: s.host.User}
	q := journal.Query{User: s.host.User, Backwards: true, Errors: true,
		Matches: []string{"MESSAGE_ID=" + adapter.ProblemMessage, "MESSAGE_ID=" + adapter.RequestMessage, "MESSAGE_ID=" + journal.SpawnFailed}}
	if !s.app.UsesAdapter() {
		q.Matches = journal.Matches(s.app) // a stopped application has no other entries
	}
	for e, err := range q.Entries(ctx) {
		if err != nil {
			return err
		}
		if !e.Of(s.Name) || probes.Hides(ctx, e) {
			continue
		}
		s.LastError = &lastError{e.Time, e.RequestID, e.Unit, e.Message}
		if e.ID == adapter.RequestMessage && e.RequestID != "" {
			of, err := journal.OfRequest(ctx, s.host.User, s.Name, e.RequestID)
			if why := reason(of); why != "" {
				s.LastError.Message = why
			}
			return err
		}
		return nil
	}
	return nil
}

// mostReason is the number of last entries that a reason consists of.
const mostReason = 100

// reason is the reason why a request failed, from its entries: the adapter's message, else the
// application's output, else "".
func reason(of []*journal.Entry) string {
	var written []string
	for _, e := range of {
		switch {
		case e.ID == adapter.ProblemMessage && e.Priority <= 3:
			return e.Message
		case e.ID == "" && e.PID != 1:
			written = append(written, e.Message)
		}
	}
	return strings.Join(written[max(0, len(written)-mostReason):], "\n")
}

// seconds formats a duration for --json, such as 60s.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s" }
