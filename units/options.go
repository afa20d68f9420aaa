package units

import (
	"slices"
	"strings"
)

// Options describe a [Pair]. Name and Exec are required; the zero value of every other field is its
// default. Values are literal, with specifiers and variables escaped, except in Service.
type Options struct {
	// Name is the name of the application and of its units; see [CheckName].
	Name string
	// Exec is the command of the service, an absolute path and arguments (ExecStart=).
	Exec []string
	// WorkingDirectory is an absolute path. Default "/".
	WorkingDirectory string
	// Env are environment variables, NAME=VALUE each. They are not for secrets: every user can read
	// units.
	Env []string
	// User is the name or number of the user that runs the application. Default: a dynamic user
	// (DynamicUser=).
	User string
	// State gives the application a directory for data, /var/lib/NAME, in $STATE_DIRECTORY
	// (StateDirectory=).
	State bool

	// Listen is an absolute path of up to 107 bytes, or ADDRESS:PORT with an IP address, which needs
	// Allow unless it is a loopback address. Default [SocketPath], and with UserManager
	// socketgi/NAME.sock in the user's runtime directory.
	Listen string
	// Group is the web server's: its members may connect to the socket at a path. Default "www-data".
	Group string
	// Allow are the other machines that may connect to an IP address: ADDRESS or ADDRESS/PREFIXLENGTH
	// each. In requests they can claim to be any user (REMOTE_USER).
	Allow []string
	// Warm makes the service accept connections (Accept=no): one process serves all of them, notifies
	// systemd when it is ready (sd_notify(3)), and exits when it is idle. Default: systemd accepts
	// connections, and starts the service for each (Accept=yes).
	Warm bool

	// Profile is the sandbox. Default [Fast].
	Profile Profile
	// Network lets the application use the network under [Strict], too.
	Network bool
	// Reads are the absolute paths of files and directories that the application needs, besides
	// WorkingDirectory and Exec[0]. The sandbox shows them read-only if it would hide them; see
	// [Options.Shown].
	Reads []string
	// Limits apply to all processes of the application together.
	Limits Limits
	// Slice is the name of the unit that has Limits. Default [SliceName].
	Slice string

	// Service are more directives of [Service].
	Service []Group
	// ConditionFileIsExecutable is a program that must exist for the socket to start
	// (systemd.unit(5)), such as Exec[0]. Default: no condition.
	ConditionFileIsExecutable string

	// App is the operator's name of the application, and Mount the prefix of its paths (see
	// [CheckMount]). They are recorded in [X-Socketgi], a section that systemd ignores.
	App, Mount string

	// UserManager renders units for a user's service manager (systemctl --user), without directives
	// that need privileges.
	UserManager bool
	// SystemdVersion is the version of the systemd that reads the units, such as 252. Directives that
	// an older one doesn't know are left out. Default: those that only some know are left out.
	SystemdVersion int
}

// Group is a number of directives with one purpose.
type Group struct {
	// Why is a comment in front of them, without the "#"; it may have several lines. "" for none.
	Why string
	// Directives are lines NAME=VALUE as systemd reads them, such as "NoNewPrivileges=yes": % and
	// quotes are the caller's to escape (see [CommandLine]).
	Directives []string
}

// setDefaults sets the defaults.
func (o *Options) setDefaults() {
	if o.Listen == "" && !o.UserManager {
		o.Listen = SocketPath(o.Name)
	}
	if o.Group == "" {
		o.Group = "www-data"
	}
	if o.WorkingDirectory == "" {
		o.WorkingDirectory = "/"
	}
	if o.Profile == "" {
		o.Profile = Fast
	}
	if o.Slice == "" {
		o.Slice = SliceName(o.Name)
	}
}

// prepare sets the defaults, and returns an error for an invalid option.
func (o *Options) prepare() error {
	if err := asOption("Name", CheckName(o.Name)); err != nil {
		return err
	}
	o.setDefaults()
	for _, check := range []func() error{o.checkCommand, o.checkListen, o.checkUser, o.checkSandbox, o.Limits.check, o.checkSlice,
		o.checkEnv, o.checkMount, o.checkLines, o.checkGroups} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (o *Options) checkCommand() error {
	if len(o.Exec) == 0 || !strings.HasPrefix(o.Exec[0], "/") {
		return optionError("Exec", "the command of a service begins with an absolute path")
	}
	if o.State && o.Name == "private" {
		return optionError("State", "an application with State can't be called private: systemd uses that directory")
	}
	return nil
}

func (o *Options) checkUser() error {
	if o.UserManager && o.User != "" {
		return optionError("User", "a user's service manager runs services as that user only: omit it")
	}
	for _, f := range []struct{ field, name string }{{"Group", o.Group}, {"User", o.User}} {
		if strings.ContainsAny(f.name, " \t%") {
			return optionError(f.field, "%q is not the name of a user or group", f.name)
		}
	}
	return nil
}

func (o *Options) checkMount() error { return asOption("Mount", CheckMount(o.Mount)) }

// checkLines refuses line breaks, and backslashes that would continue a line.
func (o *Options) checkLines() error {
	for _, f := range []struct {
		field  string
		values []string
	}{{"App", []string{o.App}}, {"WorkingDirectory", []string{o.WorkingDirectory}}, {"Listen", []string{o.Listen}}, {"Group", []string{o.Group}},
		{"User", []string{o.User}}, {"Exec", o.Exec}, {"Reads", o.Reads}, {"ConditionFileIsExecutable", []string{o.ConditionFileIsExecutable}}} {
		for _, s := range f.values {
			if strings.ContainsAny(s, "\n\r\x00") {
				return optionError(f.field, "%q contains a line break", s)
			}
		}
	}
	for _, f := range []struct{ field, value string }{ // those without quotes
		{"WorkingDirectory", o.WorkingDirectory}, {"Listen", o.Listen}, {"Exec", o.Exec[0]}, {"ConditionFileIsExecutable", o.ConditionFileIsExecutable}} {
		if strings.HasSuffix(f.value, `\`) {
			return optionError(f.field, "%q ends with a backslash, which would continue the line", f.value)
		}
	}
	return nil
}

func (o *Options) checkGroups() error {
	for _, g := range o.Service {
		for _, d := range g.Directives {
			name, _, ok := strings.Cut(d, "=")
			if !ok || name == "" || strings.ContainsFunc(name, func(c rune) bool { return c >= 0x80 || !isAlphanumeric(byte(c)) }) {
				return optionError("Service", "%q is not a directive: expected NAME=VALUE", d)
			}
			if strings.ContainsAny(d, "\n\r\x00") || strings.HasSuffix(d, `\`) {
				return optionError("Service", "%q has more than one line", d)
			}
		}
		if slices.ContainsFunc([]byte(g.Why), func(c byte) bool { return c < ' ' && c != '\n' || c == 0x7f }) || strings.HasSuffix(g.Why, `\`) {
			return optionError("Service", "%q is not a comment", g.Why)
		}
	}
	return nil
}
