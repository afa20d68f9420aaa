package compose

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/application"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/units"
)

// Serve fills in what the units of an application have that the adapter serves, a program of the
// system in root. Warnings tell which requests it will refuse, and which files its user can't read.
func Serve(o *appunits.Options, app *application.Application, adapter string, root rootfs.Dir) (warnings []string) {
	if o.Adapter = &app.Adapter; o.Warm && app.Adapter.WSGI() {
		o.Adapter.Concurrency = 0 // the workers are the limit
	}
	o.Exec, o.Mount = []string{adapter}, app.Adapter.Mount
	o.App, o.WorkingDirectory = app.Label, app.Dir
	if app.PWD != "" && o.Warm { // a link may lead elsewhere when it is loaded again
		o.Env = append(o.Env, "PWD="+app.PWD)
	}
	warnings = append(warnings, app.Refused...)
	o.Reads = root.Existing(append(app.Files, readable(app, &o.Options, root)...)...)
	if root != "" {
		return warnings // who gets at what there can't be said from here
	}
	if o.UserManager {
		return warnings // it runs as the user of this command
	}
	for _, file := range append(app.Files, adapter) {
		if why := access.Unreachable(file, o.User); why != "" && !slices.Contains(warnings, why) {
			warnings = append(warnings, why)
		}
	}
	return warnings
}

// readable are the folders of an application that the sandbox may show to it. Those of a Python
// are what its own files say: they open nothing to it that is closed to its user.
func readable(app *application.Application, o *units.Options, root rootfs.Dir) (folders []string) {
	if !app.Adapter.WSGI() || root != "" || o.UserManager {
		return app.Folders
	}
	user := o.User
	if _, ok := account.FindUser("", user); !ok {
		user = "" // one that is still to be made
	}
	for _, folder := range app.Folders {
		if access.Unreachable(folder, user) == "" {
			folders = append(folders, folder)
		}
	}
	return folders
}

// Run fills in what the units of a program have that speaks SCGI itself, a path as the operator
// gives it, with its arguments.
func Run(o *appunits.Options, program string, args []string, root rootfs.Dir) error {
	path, err := root.Outside(program)
	if err != nil {
		return err
	}
	if path, err = root.Inside(path); err != nil {
		return err
	}
	o.Exec, o.App = append([]string{path}, args...), strings.Join(append([]string{program}, args...), " ")
	o.Reads = root.Existing(append([]string{filepath.Dir(path)}, o.Exec...)...)
	return nil
}
