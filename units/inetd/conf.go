package inetd

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// inetd reads inetd.conf(5) of FreeBSD, NetBSD, OpenBSD and Debian: a service is a line, continued by
// lines that begin with a blank.
func (im *Importer) inetd(text string) (entries []*entry, notes []Note) {
	hosts := "*" // what a line "HOST:" changes for those that follow
	number, open := 0, false
	var words []string
	var line string
	begin := 0
	finish := func() {
		if open = false; len(words) == 0 {
			return
		}
		if host, found := strings.CutSuffix(words[0], ":"); found && len(words) == 1 {
			hosts = host
		} else {
			e := &entry{line: begin, label: words[0], was: strings.TrimSpace(line)}
			e.err = im.inetdLine(e, words, hosts)
			entries = append(entries, e)
		}
		words = nil
	}
	for s := range strings.Lines(text) {
		number++
		s = strings.TrimRight(s, "\r\n")
		blank := strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\t")
		switch trimmed := strings.TrimSpace(s); {
		case strings.HasPrefix(s, "#<off>#"):
			finish()
			notes = append(notes, Note{Line: number, Text: "disabled by #<off>#, no units: " + strings.TrimSpace(s[7:])})
		case strings.HasPrefix(s, "#@"):
			finish()
			notes = append(notes, Note{Line: number, Text: "systemd sets no IPsec policy: " + s})
		case strings.HasPrefix(s, ".include"):
			finish()
			notes = append(notes, Note{Line: number, Text: "not followed, import that file, too: " + s})
		case strings.HasPrefix(s, "#") || trimmed == "":
			if !blank {
				finish()
			}
		case blank && open && trimmed[0] == '#':
			notes = append(notes, Note{Line: number, Text: "read as a comment; inetd read it as arguments: " + trimmed})
		default:
			if !blank || !open {
				finish()
				begin, line, open = number, "", true
			}
			line += " " + trimmed
			words = append(words, inetdWords(trimmed)...)
		}
	}
	finish()
	return entries, notes
}

// inetdWords splits a line. A word that begins with a quote ends with it.
func inetdWords(s string) (words []string) {
	for s = strings.TrimLeft(s, " \t"); s != ""; s = strings.TrimLeft(s, " \t") {
		end, skip := strings.IndexAny(s, " \t"), 0
		if s[0] == '"' || s[0] == '\'' {
			end, skip = strings.IndexByte(s[1:], s[0]), 1
			s = s[1:]
		}
		if end < 0 {
			end, skip = len(s), 0
		}
		words = append(words, s[:end])
		s = s[end+skip:]
	}
	return words
}

// waitField matches wait or nowait, followed by FreeBSD's
// /max-child/max-connections-per-ip-per-minute/max-child-per-ip, or the .max of
// OpenBSD and Debian or :max of NetBSD.
var waitField = regexp.MustCompile(`^(no)?wait(?:/(\d+)(?:/(\d+)(?:/(\d+))?)?|[.:](\d+))?$`)

func (im *Importer) inetdLine(e *entry, words []string, hosts string) error {
	if host, found := strings.CutSuffix(words[0], ":"); found && len(words) > 1 {
		hosts, words = host, words[1:]
		e.label = words[0]
	}
	if len(words) > 1 && (words[1] == "on" || words[1] == "off") {
		return errors.New("NetBSD's key = value form is not supported: write it as a line")
	}
	if len(words) < 6 {
		return fmt.Errorf("expected at least 6 fields (service, type, protocol, wait or nowait, user, program), got %d", len(words))
	}
	service, kind, protocol, wait := words[0], words[1], words[2], words[3]
	e.program, e.argv = words[5], words[6:]

	kind, filter, _ := strings.Cut(kind, ":")
	kind, limit, _ := strings.Cut(kind, ",")
	if filter != "" {
		e.note("systemd has no accept filter %s", filter)
	}
	if e.kind = kind; kind != "stream" && kind != "dgram" && kind != "seqpacket" {
		return cantError("systemd doesn't listen on sockets of type " + kind)
	}
	switch {
	case strings.HasPrefix(service, "tcpmux/"):
		return cantError("systemd has no TCPMUX")
	case strings.HasPrefix(protocol, "rpc/"):
		return cantError("systemd doesn't register with rpcbind")
	case e.program == "internal":
		return cantError("" + service + " was internal to inetd; systemd has no such service")
	}
	protocol, buffers, _ := strings.Cut(protocol, ",")
	if err := im.inetdListen(e, service, protocol, hosts); err != nil {
		return err
	}
	if buffers != "" {
		e.note("%s: set ReceiveBuffer= and SendBuffer= in the socket unit", buffers)
	}
	m := waitField.FindStringSubmatch(wait)
	if m == nil {
		return fmt.Errorf("%s is neither wait nor nowait", wait)
	}
	e.wait = m[1] == ""
	if err := e.limits(limit, m[2:]); err != nil {
		return err
	}
	if !e.wait && e.kind == "dgram" {
		e.wait = true
		e.note("nowait: the program gets the socket itself; the next one starts after it has ended")
	}
	if e.wait && len(e.addresses) > 1 {
		return cantError("a wait service has one socket, but this line has several: write a line for each address")
	}
	e.owner(words[4])
	return nil
}

// inetdListen sets the address of a line's service.
func (im *Importer) inetdListen(e *entry, service, protocol, hosts string) error {
	if protocol == "unix" {
		user, group, mode := "root", "root", "0200" // FreeBSD's default
		if parts := strings.SplitN(service, ":", 5); len(parts) == 5 && parts[0] == "" {
			user, group, mode, service = parts[1], parts[2], parts[3], parts[4]
		} else {
			e.note("only root may connect, as on FreeBSD: set SocketUser=, SocketGroup= and SocketMode= for others")
		}
		if n, err := strconv.ParseUint(mode, 8, 12); err != nil || !strings.HasPrefix(service, "/") {
			return fmt.Errorf("%s is neither /PATH nor :USER:GROUP:MODE:/PATH", e.label)
		} else {
			mode = fmt.Sprintf("%04o", n)
		}
		e.path = service
		e.inSocket("SocketUser", user)
		e.inSocket("SocketGroup", group)
		e.inSocket("SocketMode", mode)
		return nil
	}
	family, found := map[string]int{"tcp": 4, "tcp4": 4, "tcp6": 6, "tcp46": 46, "tcp64": 46,
		"udp": 4, "udp4": 4, "udp6": 6, "udp46": 46, "udp64": 46}[protocol]
	if !found {
		return cantError("protocol " + protocol + " is not supported by systemd")
	}
	if e.kind != map[string]string{"tcp": "stream", "udp": "dgram"}[protocol[:3]] {
		return fmt.Errorf("a %s socket can't be %s", e.kind, protocol)
	}
	if i := strings.LastIndexByte(service, ':'); i >= 0 {
		hosts, service = service[:i], service[i+1:]
		e.label = service
	}
	return im.listenIP(e, hosts, service, protocol[:3], family)
}

// limits sets the limits of processes: NetBSD's accept limit, and those after wait or nowait.
func (e *entry) limits(accept string, numbers []string) error {
	atOnce, perMinute, perAddress, starts := numbers[0], numbers[1], numbers[2], numbers[3]
	if accept != "" {
		atOnce = accept
	}
	for _, s := range []*string{&atOnce, &perMinute, &perAddress, &starts} {
		if *s == "" {
			*s = "0" // no limit
		}
		n, err := strconv.ParseUint(*s, 10, 31)
		if err != nil {
			return fmt.Errorf("%s is not a limit", *s)
		}
		*s = strconv.FormatUint(n, 10)
	}
	switch {
	case e.wait && atOnce != "0" && atOnce != "1":
		e.note("one program at a time runs, not %s", atOnce)
	case !e.wait && atOnce != "0":
		e.max, _ = strconv.Atoi(atOnce)
		e.note("systemd closes more than %s connections at once; inetd let them wait", atOnce)
	}
	switch {
	case starts != "0" && e.wait:
		e.inSocket("TriggerLimitBurst", starts)
		e.note("after %s starts within a minute the socket stops until it is started again; inetd paused for ten minutes", starts)
	case starts != "0":
		e.max, _ = strconv.Atoi(starts)
		e.note("MaxConnections=%[1]s limits connections at once; inetd limited starts to %[1]s within a minute, and paused for ten", starts)
	}
	if perMinute != "0" {
		e.note("systemd doesn't count connections of an address per minute: %s", perMinute)
	}
	if perAddress != "0" {
		if e.path != "" || e.wait {
			e.note("a limit of %s from one address is not possible for this kind of socket", perAddress)
		} else {
			e.inSocket("MaxConnectionsPerSource", perAddress)
		}
	}
	return nil
}

// owner sets user[:group][/login-class] and the older user.group.
func (e *entry) owner(field string) {
	field, class, _ := strings.Cut(field, "/")
	if class != "" {
		e.note("Linux has no login class %s: its limits are Limit...= in the service", class)
	}
	user, group, found := strings.Cut(field, ":")
	if !found {
		if user, group, found = strings.Cut(field, "."); found {
			e.note("%s is read as user %s and group %s", field, user, group)
		}
	}
	if e.user = user; found {
		e.inService("Group", group)
	}
}
