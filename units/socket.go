package units

import (
	"strings"

	"github.com/socketgi/socketgi/units/internal/syntax"
)

// socket renders the socket of a pair.
func (o *Options) socket() string {
	head := o.Name + ".socket: systemd listens, accepts, and starts " + o.Name + "@.service for each connection."
	if o.Warm {
		head = o.Name + ".socket: systemd listens, and starts " + o.Name + ".service at the first connection."
	}
	u := syntax.New(head)
	s := u.Section("Unit")
	s.Value("Description", o.Name+": web application")
	s.Because("The default stops it for good after 6 starts within 10 s.", "StartLimitIntervalSec=0")
	if program := o.ConditionFileIsExecutable; program != "" {
		s.Because("Without the program, for example after its package was removed, every request would fail.", "ConditionFileIsExecutable="+syntax.Escape(program))
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
		s.Because("The default stops this socket for good after 20 starts within 2 s.", "TriggerLimitIntervalSec=0")
	} else {
		s.Add("Accept=yes")
		s.Because("systemd closes further connections without a response; most requests queue in the adapter.", "MaxConnections=1024")
		s.Because("The default stops this socket for good after 200 connections within 2 s.", "TriggerLimitIntervalSec=0")
		s.PollLimit(o.SystemdVersion)
	}
	s.Add("RemoveOnStop=yes")
	u.Section("Install").Add("WantedBy=sockets.target")
	return u.String()
}

// mayConnect adds the directives about users that can connect.
func (o *Options) mayConnect(s *syntax.Section) {
	switch {
	case !isPath(o.Listen):
		o.addresses(s)
	case o.UserManager:
		s.Because("Only this user may connect.", "SocketMode=0600")
	default:
		s.Because("Only root and the web server's group may connect.", "SocketUser=root", "SocketGroup="+o.Group, "SocketMode=0660")
	}
}

// addresses adds the filter of packets, in the socket unit only: that of a service doesn't apply to
// sockets passed by systemd (systemd.resource-control(5), IPAddressAllow=), and would block the
// application's own connections.
func (o *Options) addresses(s *syntax.Section) {
	listen, _, _ := cutAddress(o.Listen)
	from := []string{"localhost"}
	if !listen.IsLoopback() && !listen.IsUnspecified() {
		s.Because("Listens before the network is up.", "FreeBind=yes")
		from = append(from, listen.String()) // the source of this machine's own connections to it
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
