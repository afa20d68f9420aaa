// Package install adds applications to a system and removes them, each completely or not at all.
package install

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/program"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/units"
)

// Add is an application to add.
type Add struct {
	Host    host.Host
	Options appunits.Options
	// Timeout limits a request, 0 for no limit.
	Timeout time.Duration
	// Now enables and starts its socket.
	Now bool
	// Force replaces existing units.
	Force bool
	// Log reports each step.
	Log func(format string, arg ...any)

	// user is its user, with numbers of -1 if unknown. Its group can read the cached code; without a group,
	// every user can.
	user account.User
}

// Prepare checks that the units can be rendered, and that their program, user and group exist.
func (a *Add) Prepare() error {
	o := &a.Options
	if _, err := o.Render(); err != nil {
		return err
	}
	root := rootfs.Dir(a.Host.Root)
	path, err := root.Outside(o.Exec[0])
	if err != nil {
		return err
	}
	if path, err = root.Real(path); err != nil {
		return err
	}
	if _, err := os.Stat(path); err != nil && root != "" {
		return fmt.Errorf("%w: install socketgi there first (make install DESTDIR=%s), or use --adapter PATH", err, a.Host.Root)
	}
	if !program.Is(path) {
		return fmt.Errorf("%s is not an executable file", path)
	}
	a.user = account.User{UID: -1, GID: -1}
	if a.Host.User {
		return nil
	}
	group := o.Group
	if o.Listen != "" && o.Listen[0] != '/' {
		group = "" // every user of this machine can connect
	}
	if err := account.Check(a.Host.Root, o.User, group); err != nil {
		return err
	}
	if user, ok := account.FindUser(a.Host.Root, o.User); ok {
		a.user = user
	}
	return nil
}

// Plan returns the steps of Run, a line each.
func (a *Add) Plan() (steps []string, err error) {
	pair, err := a.Options.Render()
	if err != nil {
		return nil, err
	}
	files, err := a.look(pair)
	if err != nil {
		return nil, err
	}
	offline := a.Host.Root != ""
	if !offline && len(files) > 0 {
		steps = append(steps, "verify the units")
	}
	if a.Options.Adapter != nil && !offline {
		steps = append(steps, "load "+a.Options.App+" in its sandbox")
		if a.caches() {
			steps = append(steps, "write cached code to "+appunits.CachePath(a.Options.Name))
		}
	}
	for _, f := range files {
		if f.gone {
			steps = append(steps, "remove "+f.path)
		} else {
			steps = append(steps, "write "+f.path)
		}
	}
	if len(files) > 0 && !offline {
		steps = append(steps, "reload systemd's units")
	}
	if a.Now {
		steps = append(steps, "enable "+pair.SocketName)
		if !offline {
			steps = append(steps, "start "+pair.SocketName, "request a page")
		}
	}
	return steps, nil
}

// caches reports whether root keeps the cached code, out of reach of the application's user. A user's own systemd
// has no such difference.
func (a *Add) caches() bool {
	return a.Options.Python() && !a.Host.User && a.Host.Root == ""
}

// Run adds the application. After an error, the system is unchanged.
func (a *Add) Run(ctx context.Context) (err error) {
	pair, err := a.Options.Render()
	if err != nil {
		return err
	}
	dir, err := a.Host.Dir()
	if err != nil {
		return err
	}
	if err := allowed(a.Host); err != nil {
		return err
	}
	made, err := makeDirs(dir)
	if err != nil {
		return writable(err)
	}
	defer func() {
		if err != nil {
			removeEmpty(made)
		}
	}()
	l, err := lock(dir)
	if err != nil {
		return writable(err)
	}
	defer l.Close()
	if err := tidyFiles(a.Host, dir, a.Options.Name); err != nil {
		return err
	}
	return wholly(ctx, func(back, keep *undo) error {
		files, err := a.look(pair)
		if err != nil {
			return err
		}
		if a.Host.Root != "" {
			return a.offline(back, keep, pair, files)
		}
		m, err := connect(ctx, a.Host)
		if err != nil {
			return err
		}
		back.add(disconnect(m))
		keep.add(disconnect(m))
		if err := tidyTrials(ctx, m, a.Host, a.Options.Name); err != nil {
			return err
		}
		return (&adding{Add: a, manager: m, back: back, keep: keep, pair: pair, files: files}).run(ctx)
	})
}

// offline adds the application to a system that doesn't run.
func (a *Add) offline(back, keep *undo, pair units.Pair, files []file) error {
	if len(files) == 0 {
		a.Log("the units exist and are unchanged")
	} else if err := a.write(back, keep, files); err != nil {
		return err
	}
	a.Log("%s is not running: %s was not loaded, and has no cached code", a.Host.Root, a.Options.App)
	if !a.Now {
		return nil
	}
	undo, err := enableOffline(a.Host.Root, pair.SocketName)
	back.add(undo)
	return err
}

// write writes the units.
func (a *Add) write(back, keep *undo, files []file) error {
	undo, kept, err := replace(files)
	if err != nil {
		return writable(err)
	}
	back.add(undo)
	keep.add(kept)
	for _, f := range files {
		if f.gone {
			a.Log("removed %s", f.path)
		} else {
			a.Log("wrote %s", f.path)
		}
	}
	return nil
}
