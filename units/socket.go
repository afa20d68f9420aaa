package units

import (
	"strings"

	"github.com/socketgi/socketgi/units/internal/syntax"
)

// socket renders the socket of a pair.
func (o *Options) socket() string {
	head := o.Name + ".socket: systemd listens, accepts, and starts " + o.Name + "@.service for each connection."
	if o.Warm {
		head = o.Name + ".socket: systemd listens, and starts " + o.Name + ".service when somebody connects."
	}
	u := syntax.New(head)
	s := u.Section("Unit")
	s.Value("Description", o.Name+": web application")
	s.Because("Otherwise it fails for good when it is started 6 times within 10 s.", "StartLimitIntervalSec=0")
	if program := o.ConditionFileIsExecutable; program != "" {
		s.Because("Without it, as when its package was removed, each request would fail.", "ConditionFileIsExecutable="+syntax.Escape(program))
	}
	s = u.Section("Socket")
	if o.Listen != "" {
		s.Value("ListenStream", o.Listen)
	} else {
		s.Add("ListenStream=" + userSocket(o.Name))
	}
	o.mayConnect(s)
	if o.Warm {
		s.Add("Accept=no")
		s.Because("Otherwise a service that is started 20 times within 2 s stops this socket for good.", "TriggerLimitIntervalSec=0")
	} else {
		s.Add("Accept=yes")
		s.Because("More connections than this are closed without an answer, so it is generous.", "MaxConnections=1024")
		s.Because("Otherwise 200 connections within 2 s stop this socket for good.", "TriggerLimitIntervalSec=0")
		s.PollLimit(o.SystemdVersion)
	}
	s.Add("RemoveOnStop=yes")
	u.Section("Install").Add("WantedBy=sockets.target")
	return u.String()
}

// mayConnect writes down who may connect.
func (o *Options) mayConnect(s *syntax.Section) {
	switch {
	case !isPath(o.Listen):
		o.addresses(s)
	case o.UserManager:
		s.Because("This user may connect, and nobody else.", "SocketMode=0600")
	default:
		s.Because("The web server may connect, and nobody else.", "SocketUser=root", "SocketGroup="+o.Group, "SocketMode=0660")
	}
}

// addresses writes down from where packets may come. It stands in the socket unit, and there alone:
// the list of a service is not for sockets that systemd hands over (systemd.resource-control(5),
// IPAddressAllow=), and would cut off the application's own connections.
func (o *Options) addresses(s *syntax.Section) {
	listen, _, _ := cutAddress(o.Listen)
	from := []string{"localhost"}
	if !listen.IsLoopback() && !listen.IsUnspecified() {
		s.Because("Also before the network is up.", "FreeBind=yes")
		from = append(from, listen.String()) // so this machine calls itself there
	}
	for _, a := range o.Allow {
		if p, err := parseAllow(a); err == nil && p.IsSingleIP() {
			from = append(from, p.Addr().String())
		} else if err == nil {
			from = append(from, p.String())
		}
	}
	s.Because("Packets from elsewhere are dropped.", "IPAddressDeny=any", "IPAddressAllow="+strings.Join(from, " "))
}
