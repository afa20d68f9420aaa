// Package inetd renders units for services of inetd or xinetd: it reads inetd.conf(5) and xinetd.conf(5),
// and returns a socket unit and a service unit for every entry. Lines that run an SCGI script become
// applications. The package returns text and doesn't access the system.
package inetd

import (
	"errors"
	"slices"

	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/internal/syntax"
)

// Importer renders units for services of inetd or xinetd. Use one for all files of a machine: defaults of
// xinetd apply to the files that follow, and the names of units are unique.
type Importer struct {
	// Services is the text of services(5), which has the ports of named services.
	Services string
	// Script returns the text of the program at an absolute path. A Python script that mentions
	// inetd_scgi becomes an application. Default: no script does.
	Script func(path string) (string, error)
	// Application sets Exec and App of an application, and further options; Name, User, SystemdVersion,
	// and Listen for a path are set already. It returns notes for the entry. Default: the entry runs as
	// under inetd.
	Application func(o *units.Options, p Program) (notes []string, err error)
	// SystemdVersion is the version of the systemd that reads the units; see [units.Options].
	SystemdVersion int

	defaults *section
	taken    map[string]bool
}

// Program is the program of an SCGI line: a CGI program or a Python script.
type Program struct {
	// CGI is the absolute path of a CGI program run by scgi_run, and its arguments.
	CGI []string
	// Script is the absolute path of a Python script that calls inetd_scgi.
	Script string
	// Max is the limit of processes at once, 0 for none.
	Max int
}

// Note is a difference between systemd and inetd.
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

// Import reads inetd.conf(5), as of FreeBSD, NetBSD, OpenBSD or Debian, or xinetd.conf(5), which it
// detects. Entries without a pair have a note with the reason; notes are in the order of lines.
// Included files are not read.
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
			"use IPAddressAllow= and IPAddressDeny="})
	}
	slices.SortStableFunc(notes, func(a, b Note) int { return a.Line - b.Line })
	for i := range notes {
		notes[i].Text = syntax.OneLine(notes[i].Text)
	}
	return pairs, notes
}
