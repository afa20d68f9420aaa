package doctor

import (
	"context"
	"errors"
	"os/exec"
	"regexp"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/trial"
)

// checkUnits has systemd verify the unit files with their drop-ins, and compares what
// it has loaded with them.
func checkUnits(ctx context.Context, x *examination, app *host.Application) (f findings) {
	verify(ctx, x, app, &f)
	service := app.Service.Name
	if !app.Warm { // a template itself is never loaded
		service = trial.Instance(app.Name)
	}
	socket, err := x.of(ctx, app.Socket.Name, "Socket")
	if err != nil {
		f.unchecked("whether systemd has loaded them as they are: "+err.Error(), "")
		return f
	}
	for _, u := range []struct {
		*host.Unit
		name       string
		properties manager.Properties
	}{{app.Socket, app.Socket.Name, socket}, {app.Service, service, x.ifThere(ctx, service, "Service")}} {
		name, p := u.name, u.properties
		if stale, err := host.Stale(ctx, x.manager, u.Unit, name); err == nil && stale {
			f.fail(name+" has changed since systemd read it", "systemd goes by what it read before", "systemctl daemon-reload && "+relisten(app))
		}
		if state := p.Text("LoadState"); state != "loaded" && state != "not-found" && state != "" {
			f.fail("systemd can't load "+name+": "+state, "it isn't started then", "systemctl status "+app.Socket.Name)
		}
	}
	if socket.Text("LoadState") == "not-found" {
		f.fail("systemd doesn't know "+app.Socket.Name, "it was written after systemd last looked", "systemctl daemon-reload && systemctl enable --now "+app.Socket.Name)
	}
	if len(f) == 0 {
		f.ok(app.Socket.Name + " and " + app.Service.Name + " are valid, and systemd has loaded them as they are" + dropInCount(app))
	}
	return f
}

func dropInCount(app *host.Application) string {
	if all := slices.Concat(app.Socket.DropIns, app.Service.DropIns); len(all) > 0 {
		return ", with " + strings.Join(all, ", ")
	}
	return ""
}

// aboutFile is how a complaint about a line begins.
var aboutFile = regexp.MustCompile(`^(/\S+):(\d+): (.*)$`)

// aboutUnit finds a complaint about any file or unit. Where systemd-analyze fails without one, it
// has not read the files: an option is unknown to it, or there is no cgroup.
var aboutUnit = regexp.MustCompile(`(?m)^(/\S+:\d+|\S+\.(service|socket|slice|target|mount|timer|path|device|swap|scope|automount)): `)

// verify adds what systemd-analyze has to say about the files.
func verify(ctx context.Context, x *examination, app *host.Application, f *findings) {
	files := []string{app.Socket.Path, app.Service.Path}
	if app.Slice != nil {
		files = append(files, app.Slice.Path)
	}
	said, err := x.host.Verify(ctx, files...)
	f.verified(app, said, err)
}

// verified adds what was verified about the files of an application, or that nothing was.
func (f *findings) verified(app *host.Application, said string, err error) {
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && said != "") {
		f.unchecked("the unit files: "+err.Error(), "")
		return
	}
	found := complaints(app, said)
	if err != nil && len(found) == 0 && !aboutUnit.MatchString(said) {
		first, _, _ := strings.Cut(said, "\n")
		f.unchecked("the unit files: systemd-analyze verify: "+first, "")
		return
	}
	for _, c := range found {
		level := Error
		if strings.Contains(c, "ignoring") {
			level = Warning
		}
		f.add(level, c, "systemd leaves out what it can't read, and goes on as if it weren't there", mendComplaint(app, c))
	}
}

// complaints picks from the output what is about this application, each once: it also
// has what other units do wrong.
func complaints(app *host.Application, out string) (found []string) {
	files := slices.Concat([]string{app.Socket.Path, app.Service.Path}, app.Socket.DropIns, app.Service.DropIns)
	if app.Slice != nil {
		files = append(append(files, app.Slice.Path), app.Slice.DropIns...)
	}
	instance := app.Name + "@" // the instance it takes a template for
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		ours := strings.HasPrefix(line, app.Socket.Name+": ") || strings.HasPrefix(line, app.Service.Name+": ") ||
			!app.Warm && strings.HasPrefix(line, instance) && strings.Contains(line, ".service: ")
		if m := aboutFile.FindStringSubmatch(line); m != nil {
			ours = slices.Contains(files, m[1])
		}
		if ours && !slices.Contains(found, line) {
			found = append(found, line)
		}
	}
	return found
}

func mendComplaint(app *host.Application, complaint string) string {
	if m := aboutFile.FindStringSubmatch(complaint); m != nil {
		return "${EDITOR:-vi} +" + m[2] + " " + shell(m[1]) + " && systemctl daemon-reload"
	}
	unit := app.Socket.Name
	if !strings.HasPrefix(complaint, unit) {
		unit = app.Service.Name
	}
	return "systemctl edit --full " + unit
}
