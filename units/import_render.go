package units

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// userName matches the names and numbers that User=, Group= and their kin take.
var userName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$`)

func (im *Importer) render(e *entry) (Pair, error) {
	if e.program == "" || e.program[0] != '/' {
		return Pair{}, fmt.Errorf("%q is not the absolute path of a program", e.program)
	}
	if len(e.argv) == 0 || e.argv[0] == "" {
		e.argv = append([]string{path.Base(e.program)}, e.argv[min(1, len(e.argv)):]...)
	}
	if path.Base(e.program) == "tcpd" {
		if e.argv[0][0] == '/' {
			e.program = e.argv[0]
		} else {
			e.program = path.Join(path.Dir(e.program), e.argv[0])
		}
		e.argv[0] = path.Base(e.program)
		e.note("runs without tcpd: hosts.allow and hosts.deny are not asked any more, IPAddressAllow= takes their place")
	}
	if after, found := strings.CutPrefix(e.path, "/var/run/"); found {
		e.path = "/run/" + after
		e.note("listens at %s: systemd takes /var/run for /run", e.path)
	}
	for _, s := range slices.Concat([]setting{{"User", e.user}}, e.socket, e.service) {
		if named := strings.HasSuffix(s.key, "User") || strings.HasSuffix(s.key, "Group"); named && !userName.MatchString(s.value) {
			return Pair{}, fmt.Errorf("%q is not the name of a user or group", s.value)
		}
	}
	for _, word := range append([]string{e.path, e.program}, e.argv...) {
		if !utf8.ValidString(word) || strings.ContainsAny(word, "\x00\n\r") {
			return Pair{}, fmt.Errorf("%q can't stand in a unit file", word)
		}
	}
	if e.path != "" && (strings.TrimSpace(e.path) != e.path || strings.HasSuffix(e.path, `\`) || len(e.path) > maxPath || !printable(e.path)) {
		return Pair{}, fmt.Errorf("%q can't be a socket of systemd", e.path)
	}
	pair, found, err := im.application(e)
	if err != nil {
		return Pair{}, err
	}
	if !found {
		pair = im.plain(e)
	}
	head := []string{"It was: " + e.was}
	for _, n := range e.notes {
		head = append(head, "Note: "+n)
	}
	pair.Socket = comment(set(pair.Socket, "[Socket]", e.socket), head)
	pair.Service = set(pair.Service, "[Service]", e.service)
	return pair, nil
}

// plain renders a service that is no web application: as inetd ran it, with its
// socket as standard input and output.
func (im *Importer) plain(e *entry) Pair {
	what := e.label
	if e.path != "" {
		what = baseName(e.path)
	}
	name := im.name("inetd-" + what)
	directive := map[string]string{"stream": "ListenStream", "dgram": "ListenDatagram", "seqpacket": "ListenSequentialPacket"}[e.kind]
	listen := ""
	for _, a := range e.addresses {
		listen += directive + "=" + a + "\n"
	}
	if e.path != "" {
		listen = directive + "=" + escape(e.path) + "\nRemoveOnStop=yes\n"
	}
	exec := append([]string{e.program}, e.argv[1:]...)
	if e.argv[0] != path.Base(e.program) && e.argv[0] != e.program {
		exec = append([]string{"@" + e.program}, e.argv...) // the second word is argv[0]
	}
	p := Pair{SocketName: name + ".socket", ServiceName: name + "@.service"}
	accept, once, unit := "Accept=yes\nMaxConnections=1024\n# Otherwise 200 connections within 2 s stop this socket for good.\nTriggerLimitIntervalSec=0\n"+pollLimit(im.SystemdVersion),
		"one connection of "+name, "# A connection that failed leaves nothing behind that counts as one.\nCollectMode=inactive-or-failed\n"
	if e.max > 0 {
		accept = strings.Replace(accept, "1024", strconv.Itoa(e.max), 1)
	}
	if e.wait {
		p.ServiceName = name + ".service"
		accept, once, unit = "Accept=no\n# A program that takes nothing off its socket would be started for ever.\nTriggerLimitIntervalSec=60\nTriggerLimitBurst=256\n",
			"started by "+p.SocketName, "# The socket has the limit.\nStartLimitIntervalSec=0\n"
	}
	p.Socket = fmt.Sprintf(`# %s: what inetd listened for.
[Unit]
Description=%s, once of inetd

[Socket]
%s%s
[Install]
WantedBy=sockets.target
`, p.SocketName, name, listen, accept)
	p.Service = fmt.Sprintf(`# %s: %s.
[Unit]
Description=%s, once of inetd
%s
[Service]
ExecStart=%s
User=%s
StandardInput=socket
StandardOutput=socket
# inetd sent this to the client, too.
StandardError=journal
# What the program leaves running lives on, as under inetd.
KillMode=process
`, p.ServiceName, once, name, unit, command(exec), e.user)
	return p
}

// set sets keys of a section: in place of what is there, with the comment that was
// for that, else at its end.
func set(unit, section string, settings []setting) string {
	lines := strings.Split(unit, "\n")
	begin := slices.Index(lines, section) + 1
	for _, s := range settings {
		at, end := -1, begin
		for i := begin; i < len(lines) && !strings.HasPrefix(lines[i], "["); i++ {
			if strings.HasPrefix(lines[i], s.key+"=") {
				at = i
			}
			if lines[i] != "" {
				end = i + 1
			}
		}
		line := s.key + "=" + s.value
		if at >= 0 {
			if lines[at] = line; strings.HasPrefix(lines[at-1], "#") {
				lines = slices.Delete(lines, at-1, at)
			}
		} else {
			lines = slices.Insert(lines, end, line)
		}
	}
	return strings.Join(lines, "\n")
}

// comment puts comments below the first line of a unit.
func comment(unit string, texts []string) string {
	first, rest, _ := strings.Cut(unit, "\n")
	for _, text := range texts {
		first += "\n# " + oneLine(text)
	}
	return first + "\n" + rest
}

// oneLine takes away what could end a line or a comment.
func oneLine(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError || c >= 0x80 && c < 0xa0 {
			return '?'
		}
		return c
	}, strings.ReplaceAll(s, "\t", " "))
	return strings.TrimRight(s, ` \`)
}
