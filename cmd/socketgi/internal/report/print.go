package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/hint"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
)

// shownServices is the number of running requests that are listed.
const shownServices = 5

// Print shows a status on one screen, laid out as systemctl does.
func (s *Status) Print(w io.Writer, p terminal.Painter, now time.Time) {
	s.printUnits(w, p, now)
	s.printRequests(w, p)
	s.printError(w, p, now)
	s.printNotes(w, p)
}

// printUnits shows the state of the units.
func (s *Status) printUnits(w io.Writer, p terminal.Painter, now time.Time) {
	line := func(key, format string, args ...any) {
		if key != "" {
			key += ":"
		}
		fmt.Fprintf(w, "%12s %s\n", key, fmt.Sprintf(format, args...))
	}
	systemctl := hint.Systemctl(s.host)
	fmt.Fprintf(w, "%s %s - %s\n", p.Paint(stateColor(s.State), "●"), p.Paint(terminal.Bold, s.Name+".socket"), plain.Line(s.Application))
	line("Loaded", "%s; %s", plain.Line(s.app.Socket.Path), orDash(s.Enabled))
	line("", "%s", plain.Line(s.app.Service.Path))
	for i, path := range s.DropIns {
		line([]string{"Drop-Ins", ""}[min(i, 1)], "%s", plain.Line(path))
	}
	if s.Stale {
		line("", "%s", p.Paint(terminal.Yellow, "changed since systemd loaded it: "+systemctl+" daemon-reload"))
	}
	active := fmt.Sprintf("%s (%s)", s.Active, s.Sub)
	if s.Active == "failed" {
		active = fmt.Sprintf("failed (%s)", s.Result)
	}
	active = p.Paint(stateColor(s.State), active)
	if s.Since != nil {
		active += fmt.Sprintf(" since %s; %s ago", s.Since.Format("Mon 2006-01-02 15:04:05 MST"), terminal.Span(now.Sub(*s.Since)))
	}
	line("Active", "%s", active)
	if s.Active == "failed" || s.Active == "inactive" {
		line("", "start it: %s start %s.socket", systemctl, s.Name)
	}
	line("Listen", "%s", plain.Line(s.Listen))
	if s.Allowed != nil {
		line("Allowed", "root, %s", plain.Line(strings.Join(userNames(s.Allowed), ", ")))
	}
	line("Accept", "%s", s.accept())
	if s.Python != "" {
		line("Python", "%s", plain.Line(s.Python))
	}
	if s.Interface != "" {
		line("Interface", "%s", s.Interface)
	}
	line("Connections", "%s", s.connections(p))
	line("Limits", "%s", s.limits())
	if s.Slots != nil {
		line("Slots", "%s", s.slots(p))
	}
	for i, r := range s.Services {
		if i == shownServices {
			line("", "and %d more", len(s.Services)-i)
			break
		}
		line([]string{"Running", ""}[min(i, 1)], "%s", r.line(p, now))
	}
}

func (s *Status) printNotes(w io.Writer, p terminal.Painter) {
	for i, n := range s.Notes {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s %s\n", p.Paint(terminal.Yellow, "note:"), plain.Line(n))
	}
}

// userNames replaces numbers of users by their names.
func userNames(users []string) (names []string) {
	for _, name := range users {
		if u, ok := account.FindUser("", name); ok {
			name = u.Name
		}
		names = append(names, name)
	}
	return names
}

func (s *Status) accept() string {
	if s.Accept {
		return "yes: a process for each request"
	}
	return "no: " + s.app.Service.Name + " accepts"
}

func (s *Status) connections(p terminal.Painter) string {
	c := s.Connections
	refused := fmt.Sprintf("%d refused", c.Refused)
	if c.Refused > 0 {
		refused = p.Paint(terminal.Red, refused)
	}
	return fmt.Sprintf("%d accepted, %d now, %s", c.Accepted, c.Now, refused)
}

func (s *Status) slots(p terminal.Painter) string {
	text := fmt.Sprintf("%d of %d in use", s.Slots.InUse, s.Slots.Total)
	if s.Slots.Waiting > 0 {
		text += fmt.Sprintf(", %d waiting", s.Slots.Waiting)
	}
	if s.Slots.InUse >= s.Slots.Total {
		text = p.Paint(terminal.Yellow, text)
	}
	return text
}

func (s *Status) limits() string {
	var parts []string
	l := s.Limits
	if s.Accept { // systemd doesn't count connections that a service accepts
		parts = append(parts, fmt.Sprintf("%d connections", l.MaxConnections))
		if l.MaxConnectionsPerSource > 0 {
			parts = append(parts, fmt.Sprintf("%d from one source", l.MaxConnectionsPerSource))
		}
	}
	if n := s.app.Adapter.Concurrency; n > 0 && !s.Accept && s.Interface == "ASGI" {
		parts = append(parts, fmt.Sprintf("%d requests per worker", n))
	}
	if l.TriggerIntervalSeconds > 0 {
		parts = append(parts, fmt.Sprintf("%d starts in %s stop the socket", l.TriggerBurst, adapter.FormatDuration(s.state.TriggerInterval)))
	} else {
		parts = append(parts, "no limit of starts")
	}
	if l.Timeout != "" {
		parts = append(parts, duration(l.Timeout)+" per request, "+duration(l.QueueTimeout)+" in the queue")
	}
	return strings.Join(parts, ", ")
}

// duration formats a duration of --json for the terminal.
func duration(text string) string {
	d, err := adapter.ParseDuration(text)
	if err != nil {
		return text
	}
	return adapter.FormatDuration(d)
}

func (r *serviceState) line(p terminal.Painter, now time.Time) string {
	state := r.Active + " (" + r.Sub + ")"
	if r.Active == "failed" {
		state = p.Paint(terminal.Red, "failed ("+r.Result+")")
	}
	text := plain.Line(r.Name) + " " + state
	if r.Since != nil {
		text += " for " + terminal.Span(now.Sub(*r.Since))
	}
	if r.PID != 0 {
		text += ", PID " + strconv.FormatUint(uint64(r.PID), 10)
	}
	if r.MemoryBytes != nil {
		text += ", " + terminal.Size(*r.MemoryBytes)
	}
	if r.Text != "" {
		text += `, "` + plain.Line(r.Text) + `"`
	}
	return text
}

func (s *Status) printRequests(w io.Writer, p terminal.Painter) {
	switch {
	case len(s.Requests) > 0:
	case !s.app.UsesAdapter():
		fmt.Fprintf(w, "\nThe program itself logs requests: %s\n", hint.Socketgi(s.host, "logs "+s.Name))
		return
	case len(s.Notes) == 0:
		fmt.Fprintf(w, "\nThe journal has no requests. To make one: %s\n", hint.Socketgi(s.host, "get "+s.Name+" /"))
		return
	default:
		return
	}
	fmt.Fprintf(w, "\nLast requests:\n")
	var t terminal.Table
	for _, r := range s.Requests {
		t.Add(terminal.Cell{Text: r.Time.Format(terminal.Stamp)}, terminal.Cell{Text: strconv.Itoa(r.Status), Color: terminal.OfStatus(r.Status)},
			terminal.Cell{Text: fmt.Sprintf("%.1f ms", r.MS), Right: true}, terminal.Cell{Text: terminal.Size(r.Bytes), Right: true},
			terminal.Cell{Text: plain.Line(r.Method + " " + r.Path)})
	}
	t.Print(w, p, "  ")
}

func (s *Status) printError(w io.Writer, p terminal.Painter, now time.Time) {
	e := s.LastError
	if e == nil {
		return
	}
	fmt.Fprintf(w, "\n%s %s, %s ago\n", p.Paint(terminal.Red, "Last error:"), e.Time.Format(terminal.Stamp), terminal.Span(now.Sub(e.Time)))
	fmt.Fprintf(w, "  %s\n", plain.Line(lastLine(e.Message)))
	if e.ID != "" {
		fmt.Fprintf(w, "  details: %s\n", hint.Socketgi(s.host, "logs "+s.Name+" --id "+plain.Line(e.ID)))
	} else {
		fmt.Fprintf(w, "  more: %s\n", hint.Socketgi(s.host, "logs "+s.Name+" --errors"))
	}
}

// lastLine is the exception of a traceback.
func lastLine(message string) string {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
