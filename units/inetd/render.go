package inetd

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/internal/syntax"
)

// maxPath is the longest path that fits in a sockaddr_un, which ends with a NUL (unix(7)).
const maxPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// userName matches the names and numbers that User=, Group= and their kin take.
var userName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$`)

func (im *Importer) render(e *entry) (units.Pair, error) {
	if e.program == "" || e.program[0] != '/' {
		return units.Pair{}, fmt.Errorf("%q is not the absolute path of a program", e.program)
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
		e.note("runs without tcpd: hosts.allow and hosts.deny have no effect, use IPAddressAllow=")
	}
	if after, found := strings.CutPrefix(e.path, "/var/run/"); found {
		e.path = "/run/" + after
		e.note("listens at %s: systemd replaces /var/run by /run", e.path)
	}
	for _, s := range slices.Concat([]setting{{"User", e.user}}, e.socket, e.service) {
		if named := strings.HasSuffix(s.key, "User") || strings.HasSuffix(s.key, "Group"); named && !userName.MatchString(s.value) {
			return units.Pair{}, fmt.Errorf("%q is not the name of a user or group", s.value)
		}
	}
	for _, word := range append([]string{e.path, e.program}, e.argv...) {
		if !utf8.ValidString(word) || strings.ContainsAny(word, "\x00\n\r") {
			return units.Pair{}, fmt.Errorf("%q is not possible in a unit file", word)
		}
	}
	if e.path != "" && (strings.TrimSpace(e.path) != e.path || strings.HasSuffix(e.path, `\`) || len(e.path) > maxPath || !syntax.Printable(e.path)) {
		return units.Pair{}, fmt.Errorf("%q can't be a socket of systemd", e.path)
	}
	pair, found, err := im.application(e)
	if err != nil {
		return units.Pair{}, err
	}
	if !found {
		pair = im.plain(e)
	}
	socket := syntax.Parse(pair.Socket)
	socket.Comment("It was: " + e.was)
	for _, n := range e.notes {
		socket.Comment("Note: " + n)
	}
	for _, s := range e.socket {
		socket.Section("Socket").Set(s.key, s.value)
	}
	service := syntax.Parse(pair.Service)
	for _, s := range e.service {
		service.Section("Service").Set(s.key, s.value)
	}
	pair.Socket, pair.Service = socket.String(), service.String()
	return pair, nil
}

// plain renders another service than a web application, with the socket as standard input and output.
func (im *Importer) plain(e *entry) units.Pair {
	what := e.label
	if e.path != "" {
		what = baseName(e.path)
	}
	name := im.free("inetd-" + what)
	im.take(name)
	p := units.Pair{SocketName: name + ".socket", ServiceName: name + "@.service"}
	if e.wait {
		p.ServiceName = name + ".service"
	}
	p.Socket, p.Service = im.plainSocket(e, name), e.plainService(name)
	return p
}

func (im *Importer) plainSocket(e *entry, name string) string {
	u := syntax.New(name + ".socket: a service of inetd.")
	u.Section("Unit").Value("Description", name+", formerly of inetd")
	s := u.Section("Socket")
	directive := map[string]string{"stream": "ListenStream", "dgram": "ListenDatagram", "seqpacket": "ListenSequentialPacket"}[e.kind]
	for _, a := range e.addresses {
		s.Value(directive, a)
	}
	if e.path != "" {
		s.Value(directive, e.path)
		s.Add("RemoveOnStop=yes")
	}
	if e.wait {
		s.Add("Accept=no")
		s.Because("A program that never accepts would be restarted in a loop.", "TriggerLimitIntervalSec=60", "TriggerLimitBurst=256")
	} else {
		most := 1024
		if e.max > 0 {
			most = e.max
		}
		s.Add("Accept=yes", "MaxConnections="+strconv.Itoa(most))
		s.Because("The default stops this socket for good after 200 connections within 2 s.", "TriggerLimitIntervalSec=0")
		s.PollLimit(im.SystemdVersion)
	}
	u.Section("Install").Add("WantedBy=sockets.target")
	return u.String()
}

func (e *entry) plainService(name string) string {
	head := name + "@.service: one connection of " + name + "."
	why, directive := "Failed instances are discarded: they would count as connections.", "CollectMode=inactive-or-failed"
	if e.wait {
		head = name + ".service: started by " + name + ".socket."
		why, directive = "The socket limits starts.", "StartLimitIntervalSec=0"
	}
	u := syntax.New(head)
	s := u.Section("Unit")
	s.Value("Description", name+", formerly of inetd")
	s.Because(why, directive)
	s = u.Section("Service")
	exec := append([]string{e.program}, e.argv[1:]...)
	if e.argv[0] != path.Base(e.program) && e.argv[0] != e.program {
		exec = append([]string{"@" + e.program}, e.argv...) // the second word is argv[0]
	}
	s.Command("ExecStart", exec)
	s.Value("User", e.user)
	s.Add("StandardInput=socket", "StandardOutput=socket")
	s.Because("inetd sent standard error to the client.", "StandardError=journal")
	s.Because("Background processes survive the program, as under inetd.", "KillMode=process")
	return u.String()
}
