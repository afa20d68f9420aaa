package units

import "github.com/socketgi/socketgi/units/internal/syntax"

// service renders the service of a pair.
func (o *Options) service() string {
	u := o.connectionService()
	if o.Warm {
		u = o.warmService()
	}
	s := u.Section("Service")
	o.process(s)
	s.Add("TimeoutStopSec=10")
	switch {
	case o.Limits != Limits{}:
		s.Add("Slice=" + o.Slice)
	case !o.Warm && !o.UserManager:
		s.Add("Slice=system.slice")
	}
	if !o.Warm {
		s.Because("systemd's own two lines for every request are left out.", "LogLevelMax=notice", "SyslogLevel=notice")
	}
	o.record(u)
	return u.String()
}

// connectionService begins the template of which each connection gets an instance.
func (o *Options) connectionService() *syntax.Unit {
	u := syntax.New(o.Name + "@.service: one request of " + o.Name + ".")
	s := u.Section("Unit")
	s.Value("Description", o.Name+": one request")
	s.Because("A request that failed leaves nothing behind that counts as a connection.", "CollectMode=inactive-or-failed")
	s.Because("The socket is ordered after what a request needs; without its own\ndependencies each start is cheaper.",
		"DefaultDependencies=no", "Conflicts=shutdown.target", "Before=shutdown.target")
	return u
}

// warmService begins the service that accepts connections by itself.
func (o *Options) warmService() *syntax.Unit {
	u := syntax.New(o.Name + ".service: started by " + o.Name + ".socket.")
	s := u.Section("Unit")
	s.Value("Description", o.Name+": web application")
	s.Add("Requires="+o.Name+".socket", "After="+o.Name+".socket")
	s.Because("However often it is started, the socket stays.", "StartLimitIntervalSec=0")
	s = u.Section("Service")
	s.Add("Type=notify")
	s.Because("One that can't start, or dies, is tried again in a while: the connection that waits\nwould start it at once, again and again.",
		"Restart=on-failure", "RestartSec=1s")
	if o.SystemdVersion >= 254 {
		s.Add("RestartSteps=5", "RestartMaxDelaySec=10s")
	}
	return u
}

// process adds what is run, as whom and in which sandbox.
func (o *Options) process(s *syntax.Section) {
	s.Command("ExecStart", o.Exec)
	s.Value("WorkingDirectory", o.WorkingDirectory)
	switch {
	case o.UserManager:
	case o.User != "":
		s.Value("User", o.User)
	default:
		s.Because("A user that exists only while it runs.", "DynamicUser=yes")
	}
	for _, e := range o.Env {
		s.Word("Environment", e)
	}
	o.sandbox(s)
	if o.State {
		s.Add("StateDirectory="+o.Name, "StateDirectoryMode=0700")
	}
	for _, g := range o.Service {
		s.Because(g.Why, g.Directives...)
	}
}

// record writes down what the operator asked for, in a section that systemd ignores
// (systemd.syntax(7)).
func (o *Options) record(u *syntax.Unit) {
	s := u.Section("X-Socketgi")
	s.Value("Application", o.App)
	if o.Mount != "" {
		s.Value("Mount", o.Mount)
	}
}
