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

// Serve sets the options of the units of an application that the adapter serves. Warnings list requests
// that it will refuse, and files that its user can't read.
func Serve(o *appunits.Options, app *application.Resolved, adapter string, root rootfs.Dir) (warnings []string) {
	o.Adapter = &app.Adapter
	o.Exec, o.Mount = []string{adapter}, app.Adapter.Mount
	o.App, o.WorkingDirectory = app.Label, app.Dir
	if app.PWD != "" && o.Warm { // a link may lead elsewhere when it is loaded again
		o.Env = append(o.Env, "PWD="+app.PWD)
	}
	warnings = append(warnings, app.Refused...)
	o.Reads = root.Existing(append(app.Files, readable(app, &o.Options, root)...)...)
	if root != "" {
		return warnings // access in another system is not checked
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

// readable are the directories of an application that its user can read. Those of a Python come from its
// own files, and must not grant further access.
func readable(app *application.Resolved, o *units.Options, root rootfs.Dir) (folders []string) {
	if !app.Adapter.WSGI() || root != "" || o.UserManager {
		return app.Folders
	}
	user := o.User
	if _, ok := account.FindUser("", user); !ok {
		user = "" // it does not exist yet
	}
	for _, folder := range app.Folders {
		if access.Unreachable(folder, user) == "" {
			folders = append(folders, folder)
		}
	}
	return folders
}

// Run sets the options of the units of a program that speaks SCGI itself.
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
