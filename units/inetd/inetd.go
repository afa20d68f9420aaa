// Package inetd renders units for what inetd or xinetd ran: it reads inetd.conf(5) and xinetd.conf(5),
// and returns a socket unit and a service unit for every entry. Lines that ran an SCGI script become
// applications. Text comes in and text goes out; nothing here touches the system.
package inetd

import (
	"errors"
	"slices"

	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/internal/syntax"
)

// Importer renders units for what inetd or xinetd ran. Use one for all files of a machine: defaults of
// xinetd count in the files that follow, and no two units get the same name.
type Importer struct {
	// Services is the text of services(5), which has the ports of named services.
	Services string
	// Script returns the text of the program at an absolute path. A Python script is taken for an
	// application if it mentions inetd_scgi. Default: no script is.
	Script func(path string) (string, error)
	// Application fills in how an application runs: Exec and App, and what else it needs. Set are Name,
	// User, SystemdVersion, and Listen for a socket at a path. What it returns are notes for the
	// entry. Default: the entry runs as it did under inetd.
	Application func(o *units.Options, p Program) (notes []string, err error)
	// SystemdVersion is the version of the systemd that reads the units; see [units.Options].
	SystemdVersion int

	defaults *section
	taken    map[string]bool
}

// Program is what ran behind an SCGI line: either a CGI program or a Python script.
type Program struct {
	// CGI is the absolute path of a CGI program that scgi_run ran, and its arguments.
	CGI []string
	// Script is the absolute path of a Python script that calls inetd_scgi.
	Script string
	// Max is how many of them ran at once, 0 for no limit.
	Max int
}

// Note tells what systemd does differently from inetd, or can't do.
type Note struct {
	// Line is the number of the entry's first line, from 1; 0 for the whole file.
	Line int
	// Text is one line.
	Text string
	// InUnit is true if a comment in the socket unit has the text, too.
	InUnit bool
	// Failed is true if the entry has a mistake, and so no units.
	Failed bool
}

// Import reads inetd.conf(5), as of FreeBSD, NetBSD, OpenBSD or Debian, or xinetd.conf(5): the text
// shows which it is. Entries without a pair have a note that tells why; notes are in the order of
// lines. Included files are not read.
func (im *Importer) Import(text string) (pairs []units.Pair, notes []Note) {
	var entries []*entry
	if isXinetd(text) {
		entries, notes = im.xinetd(text)
	} else {
		entries, notes = im.inetd(text)
	}
	ip := false
	for _, e := range entries {
		var pair units.Pair
		if e.err == nil {
			pair, e.err = im.render(e)
		}
		for _, n := range e.notes {
			notes = append(notes, Note{Line: e.line, Text: e.label + ": " + n, InUnit: e.err == nil})
		}
		if e.err != nil {
			var cant cantError
			notes = append(notes, Note{Line: e.line, Text: e.label + ": " + e.err.Error(), Failed: !errors.As(e.err, &cant)})
			continue
		}
		ip = ip || e.path == ""
		pairs = append(pairs, pair)
	}
	if ip {
		notes = append(notes, Note{Text: "hosts.allow and hosts.deny have no effect on systemd's sockets: " +
			"where they had rules, set IPAddressAllow= and IPAddressDeny="})
	}
	slices.SortStableFunc(notes, func(a, b Note) int { return a.Line - b.Line })
	for i := range notes {
		notes[i].Text = syntax.OneLine(notes[i].Text)
	}
	return pairs, notes
}
