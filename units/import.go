package units

import (
	"errors"
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Importer makes units of what inetd or xinetd ran. One is for all files of a
// machine: xinetd's defaults are kept, and no two units get the same name.
type Importer struct {
	// Services is the text of services(5), which has the ports of names.
	Services string
	// Script returns the text of a program, to tell whether it is an SCGI script.
	Script func(path string) (string, error)
	// Adapter returns the path of socketgi-adapter.
	Adapter func() (string, error)
	// WSGI fills in how the adapter runs a Python script, at most max at once (0: no
	// limit): Exec, App and WorkingDirectory.
	WSGI func(o *Options, script string, max int) error
	// SystemdVersion is the version of the systemd that gets the units (see [Options]).
	SystemdVersion int

	defaults *section
	taken    map[string]bool
}

// Note says what systemd does otherwise than inetd, or can't.
type Note struct {
	// Line is where the entry begins, 0 for the whole file.
	Line int
	// Text is one line.
	Text string
	// InUnit says that a comment in the unit says it, too.
	InUnit bool
	// Failed says that the entry is not understood, so that it has no units.
	Failed bool
}

// Import reads inetd.conf(5) or xinetd.conf(5), whichever text is. Notes say what systemd
// does otherwise, and which entries are not understood: those have no pair.
func (im *Importer) Import(text string) (pairs []Pair, notes []Note) {
	var entries []*entry
	if isXinetd(text) {
		entries, notes = im.xinetd(text)
	} else {
		entries, notes = im.inetd(text)
	}
	ip := false
	for _, e := range entries {
		var pair Pair
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
		notes[i].Text = oneLine(notes[i].Text)
	}
	return pairs, notes
}

// cantError is about an entry that is understood, but not possible.
type cantError string

func (e cantError) Error() string { return "no units: " + string(e) }

// entry is one service, as it was described.
type entry struct {
	line  int
	label string // what it was called
	was   string // what the unit says it was
	err   error

	kind      string   // stream, dgram or seqpacket
	path      string   // of a unix socket, else
	addresses []string // of the others
	wait      bool     // the program accepts by itself
	program   string
	argv      []string
	user      string
	max       int // at once, 0 for no limit

	socket, service []setting
	notes           []string
}

type setting struct{ key, value string }

func (e *entry) note(format string, a ...any) { e.notes = append(e.notes, fmt.Sprintf(format, a...)) }

func (e *entry) inSocket(key, value string)  { e.socket = append(e.socket, setting{key, value}) }
func (e *entry) inService(key, value string) { e.service = append(e.service, setting{key, value}) }

// listenIP sets where an IP service listens; family is 4, 6, or 46 for both.
func (im *Importer) listenIP(e *entry, hosts, service, protocol string, family int) error {
	port, err := im.port(service, protocol)
	if err != nil {
		return err
	}
	for host := range strings.SplitSeq(hosts, ",") {
		address := port // all addresses, IPv6 and IPv4
		if host == "localhost" {
			host = map[int]string{6: "::1"}[family]
			if host == "" {
				host = "127.0.0.1"
			}
		}
		switch addr, err := netip.ParseAddr(strings.Trim(host, "[]")); {
		case host != "*" && (err != nil || addr.Zone() != ""):
			return fmt.Errorf("%q is not an IP address, and systemd listens at nothing else: write the one that is meant", host)
		case host != "*":
			address = netip.AddrPortFrom(addr, 0).String()
			address = strings.TrimSuffix(address, "0") + port
			if !addr.IsLoopback() && !addr.IsUnspecified() {
				e.inSocket("FreeBind", "yes") // the address may come after the socket
			}
		case family == 4:
			address = "0.0.0.0:" + port
		case family == 6:
			address = "[::]:" + port
		}
		e.addresses = append(e.addresses, address)
	}
	switch family {
	case 6:
		e.inSocket("BindIPv6Only", "ipv6-only")
	case 46:
		e.inSocket("BindIPv6Only", "both")
	}
	return nil
}

func (im *Importer) port(service, protocol string) (string, error) {
	if n, err := strconv.ParseUint(service, 10, 16); err == nil && n > 0 {
		return strconv.FormatUint(n, 10), nil
	}
	for line := range strings.Lines(im.Services) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		port, found := strings.CutSuffix(words[1], "/"+protocol)
		if n, err := strconv.ParseUint(port, 10, 16); !found || err != nil || n == 0 {
			continue
		}
		if words[0] == service || slices.Contains(words[2:], service) {
			return port, nil
		}
	}
	return "", fmt.Errorf("%s/%s is not in /etc/services, so its port is unknown: write the number", service, protocol)
}

// name returns a free name for the units. Those of plain services begin with
// inetd-: ssh.socket would replace what the distribution calls so.
func (im *Importer) name(name string) string {
	name = strings.Map(func(c rune) rune {
		if c < 0x80 && CheckName("x"+string(c)) == nil {
			return c
		}
		return '-'
	}, name)
	if name = strings.TrimLeft(name, ".-"); len(name) > 56 {
		name = name[:56]
	}
	if name == "" {
		name = "service"
	}
	if im.taken == nil {
		im.taken = map[string]bool{}
	}
	free := name
	for n := 2; im.taken[free]; n++ {
		free = name + "-" + strconv.Itoa(n)
	}
	im.taken[free] = true
	return free
}

// baseName is what a socket or a program is called, without its directory and kind.
func baseName(file string) string {
	base := path.Base(file)
	for _, kind := range []string{".sock", ".socket", ".cgi", ".py", ".pl", ".sh"} {
		base = strings.TrimSuffix(base, kind)
	}
	return base
}
