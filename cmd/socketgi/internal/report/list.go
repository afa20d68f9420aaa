// Package report shows how applications are: all of them in a list, or one on a screen.
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

// Listing is an application in a list; the names of its JSON are there to stay.
type Listing struct {
	Name        string   `json:"name"`
	Application string   `json:"application"`
	State       string   `json:"state"` // listening, running, stopped, failed or ""
	Enabled     string   `json:"enabled"`
	Accept      bool     `json:"accept"`
	Listen      string   `json:"listen"`
	Files       []string `json:"files"`
	DropIns     []string `json:"drop_ins"`
	// Stale says that files were changed, and systemd still has the old ones.
	Stale bool `json:"needs_daemon_reload"`
}

func newListing(a *host.Application) Listing {
	return Listing{
		Name: a.Name, Application: a.What, Accept: !a.Warm, Listen: a.Listen,
		Files:   []string{a.Socket.Path, a.Service.Path},
		DropIns: append(append([]string{}, a.Socket.DropIns...), a.Service.DropIns...),
	}
}

// fill adds what systemd says.
func (l *Listing) fill(s *host.State) {
	l.State, l.Stale = s.Is(), s.Stale
	if s.Enabled != "" { // as of units that are not there
		l.Enabled = s.Enabled
	}
}

// List asks systemd for the states of applications. With an error the list has them
// without.
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
		l := newListing(a)
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

// PrintList prints a list as systemctl does, with the names of the columns and how many there are.
func PrintList(w io.Writer, list []Listing) {
	var t terminal.Table
	t.Add(terminal.Texts("NAME", "STATE", "ENABLED", "ACCEPT", "DROP-INS", "LISTEN", "APPLICATION")...)
	addRows(&t, list)
	t.Print(w, terminal.NewPainter(w), "")
	s := "s"
	if len(list) == 1 {
		s = ""
	}
	fmt.Fprintf(w, "\n%d application%s listed.\n", len(list), s)
}

// PrintRows prints the applications of a list alone.
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
			terminal.Cell{Text: accept}, terminal.Cell{Text: dropIns}, terminal.Cell{Text: orDash(l.Listen)}, terminal.Cell{Text: orDash(l.Application)})
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
