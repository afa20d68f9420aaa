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
		s.Because("Omits systemd's own two journal entries for every request.", "LogLevelMax=notice", "SyslogLevel=notice")
	}
	o.record(u)
	return u.String()
}

// connectionService begins the template that is instantiated for each connection.
func (o *Options) connectionService() *syntax.Unit {
	u := syntax.New(o.Name + "@.service: one request of " + o.Name + ".")
	s := u.Section("Unit")
	s.Value("Description", o.Name+": one request")
	s.Because("Failed instances are discarded: they would count as connections.", "CollectMode=inactive-or-failed")
	s.Because("The socket is already ordered after these dependencies; without them\neach start is cheaper.",
		"DefaultDependencies=no", "Conflicts=shutdown.target", "Before=shutdown.target")
	return u
}

// warmService begins the service that accepts connections.
func (o *Options) warmService() *syntax.Unit {
	u := syntax.New(o.Name + ".service: started by " + o.Name + ".socket.")
	s := u.Section("Unit")
	s.Value("Description", o.Name+": web application")
	s.Add("Requires="+o.Name+".socket", "After="+o.Name+".socket")
	s.Because("Without it, a few starts in a short time would stop the socket.", "StartLimitIntervalSec=0")
	s = u.Section("Service")
	s.Add("Type=notify")
	s.Because("After a failure it restarts with a delay: the waiting connection\nwould otherwise restart it in a loop.",
		"Restart=on-failure", "RestartSec=1s")
	if o.SystemdVersion >= 254 {
		s.Add("RestartSteps=5", "RestartMaxDelaySec=10s")
	}
	return u
}

// process adds the command, the user and the sandbox.
func (o *Options) process(s *syntax.Section) {
	s.Command("ExecStart", o.Exec)
	s.Value("WorkingDirectory", o.WorkingDirectory)
	switch {
	case o.UserManager:
	case o.User != "":
		s.Value("User", o.User)
	default:
		s.Because("A dynamic user, which exists only while the service runs.", "DynamicUser=yes")
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

// record adds the operator's options in a section that systemd ignores (systemd.syntax(7)).
func (o *Options) record(u *syntax.Unit) {
	s := u.Section("X-Socketgi")
	s.Value("Application", o.App)
	if o.Mount != "" {
		s.Value("Mount", o.Mount)
	}
}
