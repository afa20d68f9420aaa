package doctor

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
)

// checkUnits verifies the unit files with their drop-ins, and compares them with the loaded units.
func checkUnits(ctx context.Context, x *examination, app *host.Application) (f findings) {
	if incomplete(app, &f); f.failed() {
		return f
	}
	if shared(x.host, app, &f); f.failed() {
		return f
	}
	if verify(ctx, x, app, &f); f.failed() {
		return f
	}
	socket, err := x.of(ctx, app.Socket.Name, "Socket")
	if err != nil {
		f.unchecked("whether systemd has loaded them as they are: "+failure.Text(err), "")
		return f
	}
	loaded(ctx, x, app, socket, &f)
	if len(f) == 0 {
		f.ok(app.Socket.Name + " and " + app.Service.Name + " are valid, and systemd has loaded them as they are" + dropInCount(app))
	}
	return f
}

// loaded compares the loaded units with the files.
func loaded(ctx context.Context, x *examination, app *host.Application, socket manager.Properties, f *findings) {
	if socket.Text("LoadState") == "not-found" {
		f.fail("socket-unknown", "systemd doesn't know "+app.Socket.Name, "its file is newer than systemd's last daemon-reload", "systemctl daemon-reload && systemctl enable --now "+app.Socket.Name)
		return
	}
	service := serviceOf(app)
	for _, u := range []struct {
		*host.Unit
		name       string
		properties manager.Properties
	}{{app.Socket, app.Socket.Name, socket}, {app.Service, service, x.ifThere(ctx, service, "Service")}} {
		if stale, err := host.Stale(ctx, x.manager, u.Unit, u.name); err == nil && stale {
			f.fail("daemon-reload", u.Name+" has changed since systemd read it", "systemd uses the old file", "systemctl daemon-reload && "+relisten(app))
			return
		}
	}
	for _, u := range []struct {
		name       string
		properties manager.Properties
	}{{app.Socket.Name, socket}, {app.Service.Name, x.ifThere(ctx, service, "Service")}} {
		if state := u.properties.Text("LoadState"); state != "loaded" && state != "not-found" && state != "" {
			f.fail("unit-not-loaded", "systemd can't load "+u.name+": "+state, "it can't start: the web server answers 502", "").Do =
				"read systemd's messages: journalctl -b _PID=1 -g " + shell(app.Name)
			return
		}
	}
}

func dropInCount(app *host.Application) string {
	if all := slices.Concat(app.Socket.DropIns, app.Service.DropIns); len(all) > 0 {
		return ", with " + strings.Join(all, ", ")
	}
	return ""
}

// shared finds another socket unit with the same address: systemd gives it to the one started last.
func shared(h host.Host, app *host.Application, f *findings) {
	for _, l := range h.Listeners() {
		for _, address := range l.Listen {
			if l.Name != app.Socket.Name && h.Collide(address, app.Listen) {
				f.fail("listen-shared", fmt.Sprintf("%s and %s both listen at %s (%s)", app.Socket.Name, l.Name, app.Listen, l.Path), "all requests reach the one that was started last", "").Do =
					"give one of them another address (ListenStream=), then: systemctl daemon-reload; and restart both sockets"
				return
			}
		}
	}
}

// incomplete finds mistakes for which systemd refuses a unit without naming a line.
func incomplete(app *host.Application, f *findings) {
	const refused = "systemd refuses the unit: nothing listens, and the web server answers 502"
	if app.Listen == "" {
		if s, ok := misspelled(app.Socket, "Socket", "ListenStream"); ok {
			f.fail("listen-misspelled", fmt.Sprintf("%s: %s= is no directive, and so %s has no ListenStream=", s.Place(), s.Name, app.Socket.Name), refused,
				rename(app, s, "ListenStream"))
			return
		}
		f.fail("listen-missing", app.Socket.Path+": "+app.Socket.Name+" has no ListenStream=", refused, "").Do = "add a line ListenStream= to [Socket], then: systemctl daemon-reload && " + relisten(app)
		return
	}
	if app.Service.Get("Service", "User") == "" && !isYes(app.Service.Get("Service", "DynamicUser")) {
		if s, ok := misspelled(app.Service, "Service", "User"); ok {
			f.fail("user-misspelled", fmt.Sprintf("%s: %s= is no directive, and so %s runs as root", s.Place(), s.Name, app.Service.Name),
				"a vulnerability in it compromises the whole machine", rename(app, s, "User"))
			return
		}
	}
	commands := app.Service.Settings("Service", "ExecStart")
	if len(commands) < 2 || app.Service.Get("Service", "Type") == "oneshot" {
		return
	}
	last := commands[len(commands)-1]
	one := f.fail("second-exec-start", fmt.Sprintf("%s: a second ExecStart=, besides the one at %s", last.Place(), commands[0].Place()),
		"systemd refuses a service with two; the web server answers 502", "")
	if last.File == app.Service.Path {
		one.Do = "remove one of them, then: systemctl daemon-reload"
		return
	}
	one.Mend = editUnit(app, last.File, fmt.Sprintf(`%di ExecStart=`, last.Line))
}

// misspelled finds a directive with a similar name.
func misspelled(u *host.Unit, section, name string) (host.Setting, bool) {
	for _, s := range u.Everything() {
		if s.Section == section && s.Name != name && distance(s.Name, name) <= 2 {
			return s, true
		}
	}
	return host.Setting{}, false
}

// rename returns a command that corrects the name of a directive.
func rename(app *host.Application, s host.Setting, name string) string {
	return editUnit(app, s.File, fmt.Sprintf(`%ds|^\s*%s\s*=|%s=|`, s.Line, regexp.QuoteMeta(s.Name), name))
}

// aboutFile matches a message about a line.
var aboutFile = regexp.MustCompile(`^(/\S+):(\d+): (.*)$`)

// aboutUnit matches a message about any file or unit. If systemd-analyze fails without one, it has not
// read the files: it doesn't know an option, or there is no cgroup.
var aboutUnit = regexp.MustCompile(`(?m)^(/\S+:\d+|\S+\.(service|socket|slice|target|mount|timer|path|device|swap|scope|automount)): `)

// verify adds the messages of systemd-analyze about the files.
func verify(ctx context.Context, x *examination, app *host.Application, f *findings) {
	files := []string{app.Socket.Path, app.Service.Path}
	if app.Slice != nil {
		files = append(files, app.Slice.Path)
	}
	said, err := x.host.Verify(ctx, files...)
	f.verified(app, said, err)
}

// verified adds the result of systemd-analyze. A message about a line is the cause of those about its
// unit.
func (f *findings) verified(app *host.Application, said string, err error) {
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && said != "") {
		f.unchecked("the unit files: "+failure.Text(err), "")
		return
	}
	found := complaints(app, said)
	if err != nil && len(found) == 0 && !aboutUnit.MatchString(said) {
		first, _, _ := strings.Cut(said, "\n")
		f.unchecked("the unit files: systemd-analyze verify: "+first, "")
		return
	}
	refused := slices.ContainsFunc(found, func(c string) bool { return aboutFile.MatchString(c) && !ignored(c) })
	for _, c := range found {
		if refused && ignored(c) || refused && !aboutFile.MatchString(c) {
			continue // the line that systemd refuses comes first
		}
		level, why := Error, "systemd refuses the unit: the web server answers 502"
		if ignored(c) {
			level, why = Warning, "systemd ignores the directive"
		}
		if app.UsesAdapter() && !aboutFile.MatchString(c) && strings.Contains(c, "is not executable") {
			continue // the check that loads the application reports it in detail
		}
		one := f.add("unit-syntax", level, c, why, "")
		one.Mend, one.Do = mendComplaint(app, c)
	}
}

// ignored reports whether systemd only ignores a line.
func ignored(complaint string) bool { return strings.Contains(complaint, "ignoring") }

// complaints returns the messages about this application; the output also has those about other units.
func complaints(app *host.Application, out string) (found []string) {
	files := slices.Concat([]string{app.Socket.Path, app.Service.Path}, app.Socket.DropIns, app.Service.DropIns)
	if app.Slice != nil {
		files = append(append(files, app.Slice.Path), app.Slice.DropIns...)
	}
	instance := app.Name + "@" // the instance that systemd-analyze uses for a template
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		ours := strings.HasPrefix(line, app.Socket.Name+": ") || strings.HasPrefix(line, app.Service.Name+": ")
		if !app.Warm && strings.HasPrefix(line, instance) {
			if _, rest, ok := strings.Cut(line, ".service: "); ok {
				ours, line = true, app.Service.Name+": "+rest
			}
		}
		if m := aboutFile.FindStringSubmatch(line); m != nil {
			ours = slices.Contains(files, m[1])
		}
		if ours && !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	return found
}

var (
	unknownKey    = regexp.MustCompile(`Unknown key(?: name)? '([^']+)' in section '?\[?(\w+)`)
	invalidHeader = regexp.MustCompile(`Invalid section header '\[(Unit|Service|Socket|Install|Slice)'`)
)

// mendComplaint returns the mend of a message: a command if the intention is clear.
func mendComplaint(app *host.Application, complaint string) (mend, do string) {
	m := aboutFile.FindStringSubmatch(complaint)
	if m == nil {
		return "", "correct it: systemctl edit --full " + app.Service.Name
	}
	if h := invalidHeader.FindStringSubmatch(complaint); h != nil {
		return editUnit(app, m[1], m[2]+"s|.*|["+h[1]+"]|"), ""
	}
	if k := unknownKey.FindStringSubmatch(complaint); k != nil {
		if name := nearest(k[1]); name != "" {
			return editUnit(app, m[1], fmt.Sprintf(`%ss|^\s*%s\s*=|%s=|`, m[2], regexp.QuoteMeta(k[1]), name)), ""
		}
	}
	return "", "correct that line, then: systemctl daemon-reload"
}
