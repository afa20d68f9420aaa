package install

import (
	"context"
	"fmt"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/units"
)

// Refresh is an application whose cached code is to be made anew: that of another
// version of Python, of a package or of socketgi is of no use.
type Refresh struct {
	Host host.Host
	App  *host.Application
	// Log says what is being done.
	Log func(format string, arg ...any)
}

// loading makes the unit load the application and leave the code for as long as it is
// not stopped.
const loading = `
[Unit]
CollectMode=inactive
[Service]
Type=oneshot
ExecStart=
ExecStart=%s
ExecStartPost=
ExecStop=
ExecStopPost=
RemainAfterExit=yes
Restart=no
WatchdogSec=0
StandardInput=null
StandardOutput=file:%[2]s
StandardError=file:%[2]s
RuntimeDirectory=
RuntimeDirectory=%[3]s
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=no
`

// Caches tells whether an application has cached code that root keeps.
func (r *Refresh) Caches() bool {
	return r.App.UsesAdapter() && r.App.Flag("cache") == units.CachePath(r.App.Name)
}

// Run loads the application in its sandbox, and keeps the code that was compiled for
// that. On an error what was kept before stays.
func (r *Refresh) Run(ctx context.Context) error {
	if err := allowed(r.Host); err != nil {
		return err
	}
	dir, err := r.Host.Dir()
	if err != nil {
		return err
	}
	l, err := lock(dir)
	if err != nil {
		return writable(err)
	}
	defer l.Close()
	if err := tidyFiles(r.Host, dir, r.App.Name); err != nil {
		return err
	}
	a := &Add{Host: r.Host, Options: units.Options{Name: r.App.Name, App: r.App.What}, Group: groupOf(r.App), Log: r.Log}
	return wholly(ctx, func(back, keep *undo) error {
		m, err := connect(ctx, r.Host)
		if err != nil {
			return err
		}
		back.add(disconnect(m))
		keep.add(disconnect(m))
		if err := tidyChecks(ctx, m, r.Host, r.App.Name); err != nil {
			return err
		}
		a.Log("loading %s in its sandbox", r.App.What)
		return a.keepCode(back, keep, func(take func() error) error { return a.load(ctx, m, r.write, take) })
	})
}

// write writes the unit that loads it.
func (r *Refresh) write(unit, output string) (clean undo, err error) {
	name := r.App.Name
	remove, err := r.App.WriteCheck(unit, func(command string) string {
		// No name of an application has to be quoted.
		command = strings.Replace(command, units.CachePath(name), units.CheckPath(name), 1)
		return fmt.Sprintf(loading, command, output, strings.TrimPrefix(units.CheckPath(name), "/run/"))
	})
	clean.add(func() error { remove(); return nil })
	return clean, err
}

// groupOf is the number of the group that an application runs with, -1 where that exists
// only while it runs.
func groupOf(app *host.Application) int {
	name := app.Service.Get("Service", "User")
	if name == "" {
		return -1
	}
	if group, ok := account.FindGroup("", app.Service.Get("Service", "Group")); ok {
		return group.GID
	}
	if user, ok := account.FindUser("", name); ok {
		return user.GID
	}
	return -1
}
