package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
)

// checkUser finds out as whom the application runs, and that it isn't root.
func checkUser(ctx context.Context, x *examination, app *host.Application) (f findings) {
	if x.host.User {
		f.ok("it runs as who starts it: the user of this service manager")
		return f
	}
	who, wrong := runsAs(app, x.ifThere(ctx, serviceOf(app), "Service"))
	if wrong == "" {
		f.ok("it runs as " + who)
		return f
	}
	one := f.fail("root", "it runs as root: "+wrong, "a hole in it gives an attacker all of this machine", "")
	if prefix, ok := execPrefix(app); ok {
		set := app.Service.Settings("Service", "ExecStart")
		last := set[len(set)-1]
		one.Mend = editUnit(app, last.File, fmt.Sprintf(`%ds|=\([ @:-]*\)%s|=\1|`, last.Line, prefix))
		return f
	}
	one.Mend = dropIn(app, app.Service, "Service", "User=", "DynamicUser=yes")
	return f
}

// runsAs says as whom a service runs, by what systemd has loaded; where that isn't known, by
// the files. Wrong says why that is root.
func runsAs(app *host.Application, service manager.Properties) (who, wrong string) {
	name := app.Service.Get("Service", "User")
	dynamic := isYes(app.Service.Get("Service", "DynamicUser"))
	if service.Text("LoadState") == "loaded" {
		name, dynamic = service.Text("User"), service.Yes("DynamicUser")
	}
	if prefix, ok := execPrefix(app); ok {
		return "root", "ExecStart= begins with " + prefix + ", for which User= doesn't count (systemd.service(5))"
	}
	switch {
	case dynamic && (name == "" || userID(name) == ""): // systemd has a name for it that is in no file
		return "a dynamic user", ""
	case name == "":
		return "root", app.Service.Name + " has neither User= nor DynamicUser="
	case userID(name) == "0":
		return "root", app.Service.Name + " has User=" + name
	}
	return name, ""
}

// execPrefix is what begins the command line of a service that is started with all of root's
// rights.
func execPrefix(app *host.Application) (prefix string, ok bool) {
	command := strings.TrimSpace(app.Service.Get("Service", "ExecStart"))
	prefix = command[:len(command)-len(strings.TrimLeft(command, "@-:+!"))]
	if strings.Contains(prefix, "+") {
		return "+", true
	}
	// !! is for kernels that don't know ambient capabilities, and there are none now.
	return "!", strings.Contains(prefix, "!") && !strings.Contains(prefix, "!!")
}

// isYes is how systemd reads a boolean.
func isYes(s string) bool {
	switch strings.ToLower(s) {
	case "1", "yes", "y", "true", "t", "on":
		return true
	}
	return false
}
