package units

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Pair is a socket unit and the service that it starts: a template for each
// connection (Accept=yes), or one that accepts by itself (Accept=no).
type Pair struct {
	// SocketName and ServiceName are the units' file names.
	SocketName, ServiceName string
	// Socket and Service are what the files hold (systemd.syntax(7)).
	Socket, Service string
	// SliceName and Slice are a third one, for [Options.Limits], else "".
	SliceName, Slice string
}

// File is a unit file.
type File struct{ Name, Text string }

// Files are the unit files of a pair.
func (p Pair) Files() []File {
	files := []File{{p.SocketName, p.Socket}, {p.ServiceName, p.Service}}
	if p.Slice != "" {
		files = append(files, File{p.SliceName, p.Slice})
	}
	return files
}

// Options say what a [Pair] is for. The zero value of a field means its default.
type Options struct {
	// Name is the name of the application and of its units: letters, digits and
	// "_.-".
	Name string
	// Exec is the command of the service, by absolute path.
	Exec []string
	// App is what the operator called the application; it is written down in
	// [X-Socketgi], which systemd ignores.
	App string
	// WorkingDirectory is where the service runs. Default "/".
	WorkingDirectory string
	// Listen is an absolute path, or ADDRESS:PORT, with Allow also of an address that
	// other machines reach. Default /run/socketgi/NAME.sock.
	Listen string
	// Allow are the other machines that may connect to an address: ADDRESS or
	// ADDRESS/PREFIXLENGTH each. Whoever may can claim in a request to be any user.
	Allow []string
	// AllowUIDs are the users that may talk to the adapter by a unix socket, besides root.
	// Default: whoever may connect. See [Options.SeesPeers] for when it is written down.
	AllowUIDs []uint32
	// Group is the web server's: it may connect. Default "www-data".
	Group string
	// User runs the application. Default: one that exists only while it runs
	// (DynamicUser=).
	User string
	// Warm is for a program that accepts connections by itself, and stays as long
	// as it wants (Accept=no). It says by sd_notify(3) when it is ready.
	Warm bool
	// State gives the application a directory of its own, /var/lib/NAME, that
	// outlives it; $STATE_DIRECTORY says where it is.
	State bool
	// Adapter says that Exec is socketgi-adapter.
	Adapter bool
	// Code says that the adapter runs Python, and finds code that was cached for it
	// (see [CachePath]).
	Code bool
	// Mount is the prefix of its paths. It is written down in [X-Socketgi].
	Mount string
	// Env are variables of its environment, NAME=VALUE.
	Env []string
	// Profile is how much of the machine it is kept from. Default Fast.
	Profile Profile
	// Network gives it the network under [Strict], too.
	Network bool
	// Reads are the files and folders that the application consists of and runs on, by
	// absolute path, besides WorkingDirectory and Exec's program. What of these lies
	// where its profile hides files (/home, /tmp) is shown to it, read-only.
	Reads []string
	// Limits are for all of its processes together.
	Limits Limits
	// UserManager makes units for a user's own systemd, which runs everything as that
	// user and can do less.
	UserManager bool
	// SystemdVersion is the version of the systemd that gets the units, such as 252. What
	// not every version knows is written only where it is known. Default: none is known.
	SystemdVersion int

	checkOutput string // where the unit of a check says what is wrong, "" for no check
}

// SocketPath is where the application called name listens by default.
func SocketPath(name string) string { return "/run/socketgi/" + name + ".sock" }

// CachePath is the directory of the code that was cached for an application when it was
// added. It is root's: what an application could write there would be run for everybody
// who asks after it.
func CachePath(name string) string { return "/var/cache/socketgi/" + name }

// RuntimePath is the directory of the slots of --concurrency.
func RuntimePath(name string) string { return "/run/" + runtimeDirectory(name) }

func runtimeDirectory(name string) string { return "socketgi-" + name }

// maxPath is the longest path that fits in a sockaddr_un, which ends with a NUL
// (unix(7)).
const maxPath = 107

// CheckName tells why name can't be the name of an application.
func CheckName(name string) error {
	if name == "" || len(name) > 64 || name[0] == '.' || name[0] == '-' {
		return fmt.Errorf("%q can't name an application: use up to 64 letters, digits, _ . and -, a letter or digit first", name)
	}
	for _, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.-", c) >= 0) {
			return fmt.Errorf("%q can't name an application: %q is not allowed, use letters, digits, _ . and -", name, c)
		}
	}
	return nil
}

// Render renders the pair. The error says which of the options is not possible.
func Render(o Options) (Pair, error) {
	if err := o.check(); err != nil {
		return Pair{}, err
	}
	p := Pair{SocketName: o.Name + ".socket", ServiceName: o.Name + "@.service"}
	if o.Warm {
		p.ServiceName = o.Name + ".service"
	}
	p.Socket = o.socket()
	p.Service = o.service()
	if p.Slice = o.slice(); p.Slice != "" {
		p.SliceName = SliceName(o.Name)
	}
	return p, nil
}

// userListen is where an application of a user's own systemd listens by default: %t is
// that user's runtime directory.
func userListen(name string) string { return "%t/socketgi/" + name + ".sock" }

func (o *Options) check() error {
	if err := CheckName(o.Name); err != nil {
		return err
	}
	if o.State && o.Name == "private" {
		return errors.New("no application with a directory of its own can be called private: systemd keeps others there")
	}
	if len(o.Exec) == 0 || !strings.HasPrefix(o.Exec[0], "/") {
		return errors.New("the command of a service begins with an absolute path")
	}
	if o.Listen == "" && !o.UserManager {
		o.Listen = SocketPath(o.Name)
	}
	if o.Listen != "" {
		if err := checkListen(o.Listen); err != nil {
			return err
		}
	}
	if err := checkReach(o.Listen, o.Allow); err != nil {
		return err
	}
	if len(o.AllowUIDs) > 0 && !o.SeesPeers() {
		return errNoPeers
	}
	if o.UserManager && o.User != "" {
		return errors.New("a user's own systemd runs everything as that user: leave the other user out")
	}
	if o.Group == "" {
		o.Group = "www-data"
	}
	if o.WorkingDirectory == "" {
		o.WorkingDirectory = "/"
	}
	var err error
	if o.Profile, err = ParseProfile(string(o.Profile)); err != nil {
		return err
	}
	if err := o.Limits.check(); err != nil {
		return err
	}
	for _, e := range o.Env {
		if err := checkEnv(e); err != nil {
			return err
		}
	}
	if err := CheckMount(o.Mount); err != nil {
		return err
	}
	for _, s := range slices.Concat([]string{o.App, o.WorkingDirectory, o.Listen, o.Group, o.User}, o.Exec, o.Reads) {
		if strings.ContainsAny(s, "\n\r\x00") {
			return fmt.Errorf("%q contains a line break, which no unit file can hold", s)
		}
	}
	for _, s := range []string{o.WorkingDirectory, o.Listen, o.Exec[0]} {
		if strings.HasSuffix(s, `\`) {
			return fmt.Errorf("%q ends with a backslash, and would take the next line of the unit file with it", s)
		}
	}
	for _, s := range o.shown() {
		if strings.ContainsAny(s, "\"'\\") {
			return fmt.Errorf("%q has to be shown to the sandbox, and versions of systemd differ in how they read quotation marks and backslashes in BindReadOnlyPaths=: rename it", s)
		}
	}
	for _, s := range []string{o.Group, o.User} {
		if strings.ContainsAny(s, " \t%") {
			return fmt.Errorf("%q is not the name of a user or group", s)
		}
	}
	return nil
}

func cutLast(s string, sep byte) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func (o *Options) socket() string {
	var b strings.Builder
	if o.Warm {
		fmt.Fprintf(&b, "# %[1]s.socket: systemd listens, and starts %[1]s.service when somebody connects.\n", o.Name)
	} else {
		fmt.Fprintf(&b, "# %[1]s.socket: systemd listens, accepts, and starts %[1]s@.service for each connection.\n", o.Name)
	}
	listen := escape(o.Listen)
	if o.Listen == "" {
		listen = userListen(o.Name)
	}
	fmt.Fprintf(&b, "[Unit]\nDescription=%s: web application\n# Otherwise it fails for good when it is started 6 times within 10 s.\nStartLimitIntervalSec=0\n", o.Name)
	if o.Adapter {
		fmt.Fprintf(&b, "# Without it, as when its package was removed, each request would fail.\nConditionFileIsExecutable=%s\n", escape(o.Exec[0]))
	}
	fmt.Fprintf(&b, "\n[Socket]\nListenStream=%s\n", listen)
	if o.UserManager && (o.Listen == "" || o.Listen[0] == '/') {
		b.WriteString("# This user may connect, and nobody else.\nSocketMode=0600\n")
	} else if o.Listen[0] == '/' {
		fmt.Fprintf(&b, `# The web server may connect, and nobody else.
SocketUser=root
SocketGroup=%s
SocketMode=0660
`, o.Group)
	} else {
		o.addresses(&b)
	}
	if o.Warm {
		b.WriteString(`Accept=no
# Otherwise a service that is started 20 times within 2 s stops this socket for good.
`)
	} else {
		b.WriteString(`Accept=yes
# More connections than this are closed without an answer, so it is generous.
MaxConnections=1024
# Otherwise 200 connections within 2 s stop this socket for good.
`)
	}
	b.WriteString(`TriggerLimitIntervalSec=0
`)
	if !o.Warm {
		b.WriteString(pollLimit(o.SystemdVersion))
	}
	b.WriteString(`RemoveOnStop=yes

[Install]
WantedBy=sockets.target
`)
	return b.String()
}

// pollLimit is how many connections of a socket with Accept=yes systemd takes before it
// looks after others.
func pollLimit(version int) string {
	return since(version, 255, `# The default, 150 in 2 s, is 75 a second. Without a limit many connections at once
# would keep systemd from all else.
PollLimitIntervalSec=100ms
PollLimitBurst=20
`)
}

// systemdVersions are those with which [since] knows more than with the one before.
var systemdVersions = []int{0, 254, 255}

// RenderEach renders the pair for each systemd that gets another one.
func RenderEach(o Options) (pairs []Pair, err error) {
	for _, o.SystemdVersion = range systemdVersions {
		p, err := Render(o)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}

// since returns lines that systemd knows from a version on, "" for an older one.
func since(version, first int, lines string) string {
	if version < first {
		return ""
	}
	return lines
}

// escape protects % in a value, where systemd would expand it (systemd.unit(5),
// Specifiers).
func escape(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// command joins the words of a command as ExecStart= takes them apart
// (systemd.service(5), Command Lines).
func command(argv []string) string {
	var b strings.Builder
	for i, word := range argv {
		if i > 0 {
			b.WriteByte(' ')
			word = strings.ReplaceAll(word, "$", "$$")
		}
		b.WriteString(quote(escape(word)))
	}
	return b.String()
}

func quote(s string) string {
	if s != "" && s != ";" && !strings.ContainsAny(s, " \t\"'\\;") && printable(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			b.WriteString(`\x` + strconv.FormatUint(uint64(c)|0x100, 16)[1:])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c == 0x7f {
			return false
		}
	}
	return true
}
