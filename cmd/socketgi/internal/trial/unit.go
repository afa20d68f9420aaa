package trial

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/unitfile"
)

// Installed creates a trial of an installed application, with its drop-ins.
func Installed(h host.Host, app *host.Application) (*Trial, error) {
	if app.Warm && app.Service.Get("Service", "DynamicUser") != "" && app.Service.Get("Service", "User") == "" && !userName.MatchString(app.Name) {
		// The name of a dynamic user is derived from the full name of the unit; with another user, systemd
		// would change the owner of the application's folders.
		return nil, fmt.Errorf("%s can't be the name of a user: no other unit can have the dynamic user of %s", app.Name, app.Service.Name)
	}
	text, err := os.ReadFile(app.Service.Path)
	if err != nil {
		return nil, err
	}
	t := &Trial{Host: h, name: app.Name, service: without(string(text), ties), command: app.Service.Get("Service", "ExecStart")}
	if app.Warm {
		err = t.addDropIns(app.Service.DropIns)
	}
	return t, err
}

// Rendered creates a trial of an application whose service is not written yet. Existing drop-ins for that name
// can change the sandbox and the environment, but not the command. Its slice is omitted: it doesn't exist yet.
func Rendered(h host.Host, name, service, text string) (*Trial, error) {
	// A directory of slots must not be created, either.
	t := &Trial{Host: h, name: name, service: without(text, slices.Concat(ties, []string{"Slice", "RuntimeDirectory"}))}
	for _, o := range unitfile.Parse(text) {
		if o.Section == "Service" && o.Name == "ExecStart" {
			t.command = o.Value
		}
	}
	if service != name+"@.service" { // or else the unit of the trial is an instance of it
		u, err := h.WithDropIns(service, text)
		if err != nil {
			return nil, err
		}
		err = t.addDropIns(u.DropIns)
		return t, err
	}
	return t, nil
}

func (t *Trial) addDropIns(paths []string) error {
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t.service += without(string(text), ties)
	}
	return nil
}

// userName matches the names of users that systemd accepts (systemd.io/USER_NAMES).
var userName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_-]{0,30}$`)

// instance begins the name of the instance of a trial that isn't [Trial.Locked]; the process id of
// this program follows. locked is the one of a trial that is.
const instance, locked = "socketgi_check", "check"

// Instance is the name of an instance about which systemd can be asked what it makes of the
// template called NAME@.service.
func Instance(name string) string { return name + "@" + instance + ".service" }

// unit is the name of the unit that loads the application. It has the prefix of the application's own units,
// so that DynamicUser= and the drop-ins of a template are the same as for any instance.
func (t *Trial) unit() string {
	if t.Locked {
		return lockedUnit(t.name)
	}
	return fmt.Sprintf("%s@%s_%d.service", t.name, instance, os.Getpid())
}

func lockedUnit(name string) string { return name + "@" + locked + ".service" }

// settings count more than all that the operator has. What is compiled is there for as long as the
// unit isn't stopped.
const settings = `[Unit]
# It is asked how it ended before it is forgotten.
CollectMode=inactive
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=
ExecStart=%s
ExecStartPost=
ExecStop=
ExecStopPost=
Restart=no
WatchdogSec=0
TimeoutStartSec=%s
StandardInput=null
StandardOutput=file:%[3]s
StandardError=file:%[3]s
`

// place is the directory of the cached code.
const place = `RuntimeDirectory=
RuntimeDirectory=%s
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=no
`

// unitDir is the directory of units that exist until the next boot.
func unitDir(h host.Host, runtime string) string {
	if h.User {
		return filepath.Join(runtime, "systemd/user")
	}
	return filepath.Join(runtime, "systemd/system")
}

// files are the files of the unit.
func (t *Trial) files(runtime string) (file, dropIns string) {
	file = filepath.Join(unitDir(t.Host, runtime), t.unit())
	return file, file + ".d"
}

// write writes the unit, whose output goes to the file output.
func (t *Trial) write(runtime, output string) error {
	command, err := withCheck(t.command)
	if err != nil {
		return err
	}
	cache := ""
	if t.Keep != nil {
		// Names of applications need no quotes.
		command = strings.Replace(command, appunits.CachePath(t.name), "/run/"+t.directory(), 1)
		cache = fmt.Sprintf(place, t.directory())
	}
	limit := "infinity"
	if t.Limit > 0 {
		limit = fmt.Sprint(int(t.Limit.Seconds()))
	}
	file, dropIns := t.files(runtime)
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); err == nil || dir == "/" {
			break
		}
		t.made = append(t.made, dir)
	}
	if err := os.MkdirAll(dropIns, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(t.service), 0o644); err != nil {
		return err
	}
	// After those of the operator: the last assignment of a directive counts.
	text := fmt.Sprintf(settings, command, limit, strings.ReplaceAll(output, "%", "%%"))
	return os.WriteFile(filepath.Join(dropIns, "zzz-socketgi-check.conf"), []byte(text+cache), 0o644)
}

// erase removes the files of write.
func (t *Trial) erase(runtime string) error {
	file, dropIns := t.files(runtime)
	err := os.Remove(file)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	err = errors.Join(err, os.RemoveAll(dropIns))
	for _, dir := range t.made {
		_ = os.Remove(dir) // unless there are other files
	}
	return err
}

// ties are directives that make other units start or stop with this one.
var ties = []string{"Requires", "Requisite", "Wants", "BindsTo", "PartOf", "Upholds", "Conflicts", "OnFailure", "OnSuccess",
	"Sockets", "PropagatesStopTo", "StopPropagatedFrom", "JoinsNamespaceOf", "FailureAction", "SuccessAction"}

// without removes directives from the text of a unit, and the [X-Socketgi] section.
func without(text string, directives []string) string {
	var b strings.Builder
	dropped, ours, continued := false, false, false
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		if !continued {
			if strings.HasPrefix(line, "[") {
				ours = strings.HasPrefix(line, "[X-Socketgi]")
			}
			name, _, _ := strings.Cut(line, "=")
			dropped = ours || slices.Contains(directives, strings.TrimSpace(name))
		}
		if !dropped {
			b.WriteString(line)
		}
		continued = strings.HasSuffix(line, "\\\n")
	}
	return b.String()
}

// withCheck inserts --check after the program of a command line.
func withCheck(exec string) (string, error) {
	program, rest := host.CutProgram(exec)
	if prefix := program[:len(program)-len(strings.TrimLeft(program, "@-:+!"))]; strings.Contains(prefix, "@") {
		var name string // how it calls itself
		name, rest = host.CutProgram(rest)
		program += " " + name
	}
	if program == "" {
		return "", errors.New("ExecStart= is empty")
	}
	return strings.TrimRight(program+" --check "+rest, " "), nil
}
