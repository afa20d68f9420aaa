package install

import (
	"context"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/trial"
)

// Refresh caches the code of an application again: after an upgrade of Python, of a package or of socketgi, the old
// code isn't used.
type Refresh struct {
	Host host.Host
	App  *host.Application
	// Log reports each step.
	Log func(format string, arg ...any)
}

// Caches reports whether an application has cached code that root keeps.
func (r *Refresh) Caches() bool {
	return r.App.UsesAdapter() && r.App.Adapter.Cache == appunits.CachePath(r.App.Name)
}

// Run loads the application in its sandbox, and keeps the compiled code. After an error, the previous code is kept.
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
	return wholly(ctx, func(back, keep *undo) error {
		m, err := connect(ctx, r.Host)
		if err != nil {
			return err
		}
		back.add(disconnect(m))
		keep.add(disconnect(m))
		if err := tidyTrials(ctx, m, r.Host, r.App.Name); err != nil {
			return err
		}
		r.Log("loading %s in its sandbox", r.App.What)
		t, err := trial.Installed(r.Host, r.App)
		if err != nil {
			return err
		}
		t.Manager, t.Locked, t.Limit = m, true, longestLoad(r.App.Adapter.Timeout)
		_, err = keepCode(ctx, t, code{r.App.Name, r.App.What, groupOf(r.App)}, back, keep)
		return err
	})
}

// groupOf returns the number of an application's group, -1 for a dynamic one.
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
