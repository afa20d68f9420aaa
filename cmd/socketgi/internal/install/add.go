// Package install puts applications into a system and takes them out again: all of one,
// or nothing.
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

// Add is an application that is to be added.
type Add struct {
	Host    host.Host
	Options appunits.Options
	// Timeout is how long a request of it may take, 0 for as long as it wants.
	Timeout time.Duration
	// Now says that it is to listen, now and at every boot.
	Now bool
	// Force replaces units that are there.
	Force bool
	// Log says what is being done.
	Log func(format string, arg ...any)

	// user is who runs it, with numbers of -1 where that is not known. Its group may read the cached
	// code, or everybody where there is none.
	user account.User
}

// Prepare checks that the units can be rendered, and that the program, the user and the group that
// they name are there.
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
		group = "" // every user of this machine may connect
	}
	if err := account.Check(a.Host.Root, o.User, group); err != nil {
		return err
	}
	if user, ok := account.FindUser(a.Host.Root, o.User); ok {
		a.user = user
	}
	return nil
}

// Plan tells what Run would do, a line each.
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

// caches reports whether cached code is to be kept apart from the application's user. In a
// user's own systemd there is no such difference.
func (a *Add) caches() bool {
	return a.Options.Python() && !a.Host.User && a.Host.Root == ""
}

// Run adds it. On an error everything is as it was before.
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

// offline adds to a system that doesn't run.
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
