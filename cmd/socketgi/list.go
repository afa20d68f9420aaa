package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/spf13/cobra"
)

// busTimeout is how long systemd may take to answer; it takes milliseconds.
const busTimeout = 25 * time.Second

func newList() *cobra.Command {
	var h host.Host
	var asJSON, noLegend bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the applications of this machine",
		Long: `List the applications of this machine, those whose units have drop-ins or were
changed by hand, too. STATE is the socket's: listening, running (Accept=no, and
the application has it), stopped or failed; "-" where no systemd can be asked.

Exit status: 0, or 1 when units can't be read or systemd can't be asked; the
rest is shown all the same.`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			apps, problems := h.List()
			list, err := listed(h, apps)
			if err != nil {
				problems = append(problems, err)
			}
			if asJSON {
				if err := plain.WriteJSON(cmd.OutOrStdout(), list); err != nil {
					return err
				}
			} else {
				printList(cmd.OutOrStdout(), list, !noLegend)
			}
			return errors.Join(problems...)
		},
	}
	f := cmd.Flags()
	defineHost(cmd, &h)
	f.StringVar(&h.Root, "root", "", "list those of the system below `DIR`, from its files alone")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&noLegend, "no-legend", false, "print neither the names of the columns nor how many there are")
	return cmd
}

// defineHost defines the flag that says whose systemd is meant.
func defineHost(cmd *cobra.Command, h *host.Host) {
	cmd.Flags().BoolVar(&h.User, "user-manager", false, "of the service manager of this user, not of the system")
}

// systemctl is how a command for that systemd begins, and how one of ours ends.
func systemctl(h host.Host) (begin, end string) {
	if h.User {
		return "systemctl --user", " --user-manager"
	}
	return "systemctl", ""
}

// listing is an application as list shows it; the names of --json are there to stay.
type listing struct {
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

func newListing(a *host.Application) listing {
	return listing{
		Name: a.Name, Application: a.What, Accept: !a.Warm, Listen: a.Listen,
		Files:   []string{a.Socket.Path, a.Service.Path},
		DropIns: append(append([]string{}, a.Socket.DropIns...), a.Service.DropIns...),
	}
}

// fill adds what systemd says.
func (l *listing) fill(s *host.State) {
	l.State, l.Stale = s.Is(), s.Stale
	if s.Enabled != "" { // as of units that are not there
		l.Enabled = s.Enabled
	}
}

// listed asks systemd for the states of applications. With an error the list has them
// without.
func listed(h host.Host, apps []*host.Application) (list []listing, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), busTimeout)
	defer cancel()
	var c *manager.Manager
	if h.Root == "" && len(apps) > 0 {
		if c, err = h.Connect(ctx); err == nil {
			defer c.Close()
		}
	}
	list = []listing{}
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

func printList(w io.Writer, list []listing, legend bool) {
	var t table
	if legend {
		t.add(texts("NAME", "STATE", "ENABLED", "ACCEPT", "DROP-INS", "LISTEN", "APPLICATION")...)
	}
	for _, l := range list {
		accept := "no"
		if l.Accept {
			accept = "yes"
		}
		dropIns := "-"
		if n := len(l.DropIns); n > 0 {
			dropIns = strconv.Itoa(n)
		}
		t.add(cell{text: l.Name}, cell{text: orDash(l.State), color: stateColor(l.State)}, cell{text: orDash(l.Enabled)},
			cell{text: accept}, cell{text: dropIns}, cell{text: orDash(l.Listen)}, cell{text: orDash(l.Application)})
	}
	t.print(w, newPainter(w), "")
	if legend {
		s := "s"
		if len(list) == 1 {
			s = ""
		}
		fmt.Fprintf(w, "\n%d application%s listed.\n", len(list), s)
	}
}

func stateColor(state string) color {
	switch state {
	case "listening", "running":
		return green
	case "failed":
		return red
	}
	return ""
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
