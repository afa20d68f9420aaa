// Package report shows the state of applications: of all in a list, or of one.
package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
)

// Listing is an application in a list. The names in its JSON don't change.
type Listing struct {
	Name        string   `json:"name"`
	Application string   `json:"application"`
	State       string   `json:"state"` // listening, running, stopped, failed or ""
	Enabled     string   `json:"enabled"`
	Accept      bool     `json:"accept"`
	Interface   string   `json:"interface"` // WSGI, ASGI, CGI, SCGI or ""
	Listen      string   `json:"listen"`
	Files       []string `json:"files"`
	DropIns     []string `json:"drop_ins"`
	// Stale is true if files changed since systemd loaded them.
	Stale bool `json:"needs_daemon_reload"`
}

func newListing(h host.Host, a *host.Application) Listing {
	return Listing{
		Name: a.Name, Application: a.What, Accept: !a.Warm, Interface: h.Interface(a), Listen: a.Listen,
		Files:   []string{a.Socket.Path, a.Service.Path},
		DropIns: append(append([]string{}, a.Socket.DropIns...), a.Service.DropIns...),
	}
}

// fill adds the state of the socket.
func (l *Listing) fill(s *host.State) {
	l.State, l.Stale = s.Is(), s.Stale
	if s.Enabled != "" { // it is "" for missing units
		l.Enabled = s.Enabled
	}
}

// List returns applications with their states. With an error, states are missing.
func List(h host.Host, apps []*host.Application) (list []Listing, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), manager.Timeout)
	defer cancel()
	var c *manager.Manager
	if h.Root == "" && len(apps) > 0 {
		if c, err = h.Connect(ctx); err == nil {
			defer c.Close()
		}
	}
	list = []Listing{}
	for _, a := range apps {
		l := newListing(h, a)
		l.Enabled = h.Enabled(a)
		if c != nil {
			s, stateErr := a.State(ctx, c)
			if stateErr != nil {
				err = errors.Join(err, stateErr)
			} else {
				l.fill(s)
			}
		}
		list = append(list, l)
	}
	return list, err
}

// PrintList prints a list with header and footer, as systemctl does.
func PrintList(w io.Writer, list []Listing) {
	var t terminal.Table
	t.Add(terminal.Texts("NAME", "STATE", "ENABLED", "ACCEPT", "INTERFACE", "DROP-INS", "LISTEN", "APPLICATION")...)
	addRows(&t, list)
	t.Print(w, terminal.NewPainter(w), "")
	s := "s"
	if len(list) == 1 {
		s = ""
	}
	fmt.Fprintf(w, "\n%d application%s listed.\n", len(list), s)
}

// PrintRows prints a list without header and footer.
func PrintRows(w io.Writer, list []Listing) {
	var t terminal.Table
	addRows(&t, list)
	t.Print(w, terminal.NewPainter(w), "")
}

func addRows(t *terminal.Table, list []Listing) {
	for _, l := range list {
		accept := "no"
		if l.Accept {
			accept = "yes"
		}
		dropIns := "-"
		if n := len(l.DropIns); n > 0 {
			dropIns = strconv.Itoa(n)
		}
		t.Add(terminal.Cell{Text: l.Name}, terminal.Cell{Text: orDash(l.State), Color: stateColor(l.State)}, terminal.Cell{Text: orDash(l.Enabled)},
			terminal.Cell{Text: accept}, terminal.Cell{Text: orDash(l.Interface)}, terminal.Cell{Text: dropIns}, terminal.Cell{Text: orDash(l.Listen)}, terminal.Cell{Text: orDash(l.Application)})
	}
}

func stateColor(state string) terminal.Color {
	switch state {
	case "listening", "running":
		return terminal.Green
	case "failed":
		return terminal.Red
	}
	return ""
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
