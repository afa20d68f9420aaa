package doctor

import (
	"context"
	"fmt"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
)

// checkUser checks that the application doesn't run as root.
func checkUser(ctx context.Context, x *examination, app *host.Application) (f findings) {
	if x.host.User {
		f.ok("it runs as the user of this service manager")
		return f
	}
	who, wrong := runsAs(app, x.ifThere(ctx, serviceOf(app), "Service"))
	if wrong == "" {
		f.ok("it runs as " + who)
		return f
	}
	one := f.fail("root", "it runs as root: "+wrong, "a vulnerability in it compromises the whole machine", "")
	if prefix, ok := execPrefix(app); ok {
		set := app.Service.Settings("Service", "ExecStart")
		last := set[len(set)-1]
		one.Mend = editUnit(app, last.File, fmt.Sprintf(`%ds|=\([ @:-]*\)%s|=\1|`, last.Line, prefix))
		return f
	}
	one.Mend = dropIn(app, app.Service, "Service", "User=", "DynamicUser=yes")
	return f
}

// runsAs returns the user of a service, from the loaded unit or else from its files, and the reason if
// that is root.
func runsAs(app *host.Application, service manager.Properties) (who, wrong string) {
	name := app.Service.Get("Service", "User")
	dynamic := isYes(app.Service.Get("Service", "DynamicUser"))
	if service.Text("LoadState") == "loaded" {
		name, dynamic = service.Text("User"), service.Yes("DynamicUser")
	}
	if prefix, ok := execPrefix(app); ok {
		return "root", "ExecStart= begins with " + prefix + ", which ignores User= (systemd.service(5))"
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

// execPrefix is the prefix of a command line that runs with root's privileges.
func execPrefix(app *host.Application) (prefix string, ok bool) {
	command := strings.TrimSpace(app.Service.Get("Service", "ExecStart"))
	prefix = command[:len(command)-len(strings.TrimLeft(command, "@-:+!"))]
	if strings.Contains(prefix, "+") {
		return "+", true
	}
	// !! is for kernels without ambient capabilities only.
	return "!", strings.Contains(prefix, "!") && !strings.Contains(prefix, "!!")
}

// isYes parses a boolean as systemd does.
func isYes(s string) bool {
	switch strings.ToLower(s) {
	case "1", "yes", "y", "true", "t", "on":
		return true
	}
	return false
}
