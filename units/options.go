package units

import (
	"slices"
	"strings"

	"github.com/coreos/go-systemd/v22/unit"
)

// Options are what a [Pair] is made of. Name and Exec are required; the zero value of every other
// field is its default. Values are taken literally: systemd expands nothing in them, but in Service.
type Options struct {
	// Name is the name of the application and of its units; see [CheckName].
	Name string
	// Exec is the command of the service, an absolute path and arguments (ExecStart=).
	Exec []string
	// WorkingDirectory is an absolute path. Default "/".
	WorkingDirectory string
	// Env are variables of the environment, NAME=VALUE each. Everybody can read a unit, so they are
	// no place for secrets.
	Env []string
	// User is the name or number of the user that runs the application. Default: one that exists only
	// while it runs (DynamicUser=).
	User string
	// State gives the application a directory that outlives it, /var/lib/NAME, with its name in
	// $STATE_DIRECTORY (StateDirectory=).
	State bool

	// Listen is an absolute path of up to 107 bytes, or ADDRESS:PORT with an IP address; one that
	// other machines reach needs Allow. Default [SocketPath], and for a user's own systemd
	// socketgi/NAME.sock in that user's runtime directory.
	Listen string
	// Group is the web server's: its members may connect to the socket at a path. Default "www-data".
	Group string
	// Allow are the machines that may connect to an IP address, besides this one: ADDRESS or
	// ADDRESS/PREFIXLENGTH each. They can claim in a request to be any user (REMOTE_USER).
	Allow []string
	// Warm makes the service accept connections by itself (Accept=no): one process serves all of them,
	// says by sd_notify(3) when it is ready, and exits when it likes. Default: systemd accepts, and
	// starts the service for each connection (Accept=yes).
	Warm bool

	// Profile is the sandbox. Default [Fast].
	Profile Profile
	// Network lets the application use the network under [Strict], too.
	Network bool
	// Reads are the absolute paths of files and folders that the application is made of, besides
	// WorkingDirectory and Exec[0]. Those in folders that the sandbox hides are shown to it,
	// read-only; see [Options.Shown].
	Reads []string
	// Limits are those of all processes of the application together.
	Limits Limits
	// Slice is the name of the unit that has Limits. Default socketgi-NAME.slice, escaped as
	// systemd-escape(1) does: a dash would put it below another application's (systemd.slice(5)).
	Slice string

	// Service are more directives of [Service].
	Service []Group
	// ConditionFileIsExecutable is a program without which the socket isn't started (systemd.unit(5)):
	// that of Exec, if it may be removed while the units stay. Default: no condition.
	ConditionFileIsExecutable string

	// App is what the operator calls the application, and Mount the prefix of its paths (see
	// [CheckMount]): both are recorded in [X-Socketgi], a section that systemd ignores.
	App, Mount string

	// UserManager renders units for a user's own systemd (systemctl --user), which runs everything as
	// that user, and has no privileges for some directives: those are left out.
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

// setDefaults fills in what is left out.
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
		o.Slice = "socketgi-" + unit.UnitNameEscape(o.Name) + ".slice"
	}
}

// prepare fills in what is left out, and tells which of the options is not possible.
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
		return optionError("State", "no application with a directory of its own can be called private: systemd keeps others there")
	}
	return nil
}

func (o *Options) checkUser() error {
	if o.UserManager && o.User != "" {
		return optionError("User", "a user's own systemd runs everything as that user: leave the other user out")
	}
	for _, f := range []struct{ field, name string }{{"Group", o.Group}, {"User", o.User}} {
		if strings.ContainsAny(f.name, " \t%") {
			return optionError(f.field, "%q is not the name of a user or group", f.name)
		}
	}
	return nil
}

func (o *Options) checkMount() error { return asOption("Mount", CheckMount(o.Mount)) }

// checkLines finds what would end a line of a unit, or go on in the next one.
func (o *Options) checkLines() error {
	for _, f := range []struct {
		field  string
		values []string
	}{{"App", []string{o.App}}, {"WorkingDirectory", []string{o.WorkingDirectory}}, {"Listen", []string{o.Listen}}, {"Group", []string{o.Group}},
		{"User", []string{o.User}}, {"Exec", o.Exec}, {"Reads", o.Reads}, {"ConditionFileIsExecutable", []string{o.ConditionFileIsExecutable}}} {
		for _, s := range f.values {
			if strings.ContainsAny(s, "\n\r\x00") {
				return optionError(f.field, "%q contains a line break, which no unit file can hold", s)
			}
		}
	}
	for _, f := range []struct{ field, value string }{ // those without quotes
		{"WorkingDirectory", o.WorkingDirectory}, {"Listen", o.Listen}, {"Exec", o.Exec[0]}, {"ConditionFileIsExecutable", o.ConditionFileIsExecutable}} {
		if strings.HasSuffix(f.value, `\`) {
			return optionError(f.field, "%q ends with a backslash, and would take the next line of the unit file with it", f.value)
		}
	}
	return nil
}

func (o *Options) checkGroups() error {
	for _, g := range o.Service {
		for _, d := range g.Directives {
			name, _, ok := strings.Cut(d, "=")
			if !ok || name == "" || strings.ContainsFunc(name, func(c rune) bool { return c >= 0x80 || !isAlphanumeric(byte(c)) }) {
				return optionError("Service", "%q is no directive: write NAME=VALUE", d)
			}
			if strings.ContainsAny(d, "\n\r\x00") || strings.HasSuffix(d, `\`) {
				return optionError("Service", "%q is more than a line", d)
			}
		}
		if slices.ContainsFunc([]byte(g.Why), func(c byte) bool { return c < ' ' && c != '\n' || c == 0x7f }) || strings.HasSuffix(g.Why, `\`) {
			return optionError("Service", "%q can't be a comment", g.Why)
		}
	}
	return nil
}
