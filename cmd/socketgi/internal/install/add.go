// Package install puts applications into a system and takes them out again: all of one,
// or nothing.
package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/tree"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/trial"
	"github.com/socketgi/socketgi/units"
)

// Add is an application that is to be added.
type Add struct {
	Host    host.Host
	Options units.Options
	// Timeout is how long a request of it may take, 0 for as long as it wants.
	Timeout time.Duration
	// Group is the number of its user's group, who may read its cached code; -1 where
	// everybody may.
	Group int
	// UID is the number of its user; -1 for one that is not known.
	UID int
	// Now says that it is to listen, now and at every boot.
	Now bool
	// Force replaces units that are there.
	Force bool
	// Log says what is being done.
	Log func(format string, arg ...any)
}

// Plan tells what Run would do, a line each.
func (a *Add) Plan() (steps []string, err error) {
	pair, err := units.Render(a.Options)
	if err != nil {
		return nil, err
	}
	files, err := a.look(pair)
	if err != nil {
		return nil, err
	}
	offline := a.Host.Root != ""
	if !offline && len(files) > 0 {
		steps = append(steps, "have systemd verify the units")
	}
	if a.Options.Adapter && !offline {
		steps = append(steps, "load "+a.Options.App+" in its sandbox")
		if a.caches() {
			steps = append(steps, "write cached code to "+units.CachePath(a.Options.Name))
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
		steps = append(steps, "have systemd read its units again")
	}
	if a.Now {
		steps = append(steps, "enable "+pair.SocketName)
		if !offline {
			steps = append(steps, "start "+pair.SocketName, "ask for a page")
		}
	}
	return steps, nil
}

// caches tells whether cached code is to be kept apart from the application's user. In a
// user's own systemd there is no such difference.
func (a *Add) caches() bool {
	return a.Options.Adapter && a.Options.Code && !a.Host.User && a.Host.Root == ""
}

// Run adds it. On an error everything is as it was before.
func (a *Add) Run(ctx context.Context) (err error) {
	pair, err := units.Render(a.Options)
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
		return a.online(ctx, m, back, keep, pair, files)
	})
}

// wholly does something wholly or not at all.
func wholly(ctx context.Context, do func(back, keep *undo) error) error {
	var back, keep undo
	err := do(&back, &keep)
	if err == nil {
		return keep.run()
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted: nothing of it was left")
	}
	if backErr := back.run(); backErr != nil {
		err = fmt.Errorf("%w\nand taking it back went wrong, too: %w", err, backErr)
	}
	return err
}

// offline adds to a system that doesn't run.
func (a *Add) offline(back, keep *undo, pair units.Pair, files []file) error {
	if len(files) == 0 {
		a.Log("the units are there already, and say the same")
	} else if err := a.write(back, keep, files); err != nil {
		return err
	}
	a.Log("in %s nothing can be run: that %s can be loaded is not checked, and there is no cached code", a.Host.Root, a.Options.App)
	if !a.Now {
		return nil
	}
	undo, err := enableOffline(a.Host.Root, pair.SocketName)
	back.add(undo)
	return err
}

// online adds to a system that runs.
func (a *Add) online(ctx context.Context, m *manager.Manager, back, keep *undo, pair units.Pair, files []file) error {
	after := context.WithoutCancel(ctx) // for what is taken back
	if len(files) > 0 {
		if err := a.verify(ctx, pair); err != nil {
			return err
		}
	}
	if a.Options.State && !a.stateThere() {
		back.add(func() error { a.dropState(); return nil })
	}
	if err := a.tryOut(ctx, m, back, keep, pair); err != nil {
		return err
	}
	was, err := m.Active(ctx, pair.SocketName)
	if err != nil {
		return err
	}
	restarted := false
	if len(files) == 0 {
		a.Log("the units are there already, and say the same")
	} else {
		back.add(func() error {
			if restarted {
				return m.Restart(after, pair.SocketName)
			}
			return nil
		})
		back.add(func() error { return m.ReloadContext(after) }) // of what is there again
		if err := a.write(back, keep, files); err != nil {
			return err
		}
		if err := m.ReloadContext(ctx); err != nil {
			return err
		}
		service := pair.ServiceName
		if !a.Options.Warm {
			service = trial.Instance(a.Options.Name) // as an instance of it
		}
		loaded := []string{pair.SocketName, service}
		if pair.Slice != "" {
			loaded = append(loaded, pair.SliceName)
		}
		for _, unit := range loaded {
			if err := m.CheckLoaded(ctx, unit); err != nil {
				return err
			}
		}
	}
	if !a.Now {
		if was && len(files) > 0 {
			a.Log("%s listens as before: systemctl restart %[1]s has it listen as it is written now", pair.SocketName)
		}
		return nil
	}
	if err := a.enable(ctx, m, back, pair.SocketName); err != nil {
		return err
	}
	switch {
	case was && len(files) > 0:
		restarted = true
		err = m.Restart(ctx, pair.SocketName)
	case !was:
		err = a.listen(ctx, m, back, pair.SocketName)
	}
	if err != nil {
		return a.notListening(ctx, m, pair.SocketName, err)
	}
	for _, f := range files {
		// What stays, and a slice with all that is left in it; a template has only instances,
		// which end by themselves.
		if unit := filepath.Base(f.path); f.gone && !strings.HasSuffix(unit, "@.service") {
			if err := m.Stop(ctx, unit); err != nil {
				return err
			}
		}
	}
	app, err := a.Host.Load(a.Options.Name)
	if err != nil {
		return err
	}
	status, err := a.request(ctx, app.Listen)
	if err != nil {
		return err
	}
	a.Log("%s answers: %s", a.Options.Name, status)
	return nil
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

// enable has the socket listen at every boot.
func (a *Add) enable(ctx context.Context, m *manager.Manager, back *undo, socket string) error {
	after := context.WithoutCancel(ctx)
	_, changes, err := m.EnableUnitFilesContext(ctx, []string{socket}, false, false)
	if len(changes) > 0 {
		back.add(func() error {
			_, err := m.DisableUnitFilesContext(after, []string{socket}, false)
			return errors.Join(err, m.ReloadContext(after))
		})
		a.Log("enabled %s", socket)
		if err == nil {
			err = m.ReloadContext(ctx) // or else all units want that, since systemd 255
		}
	}
	return err
}

// listen starts the socket.
func (a *Add) listen(ctx context.Context, m *manager.Manager, back *undo, socket string) error {
	after := context.WithoutCancel(ctx)
	runtime, err := a.Host.RuntimeDir()
	if err != nil {
		return err
	}
	_, statErr := os.Stat(filepath.Join(runtime, "socketgi"))
	back.add(func() error { return stopAll(after, m, a.Host, a.Options.Name, os.IsNotExist(statErr)) })
	if err := m.Start(ctx, socket); err != nil {
		return err
	}
	a.Log("started %s", socket)
	return nil
}

// stopAll stops an application with what runs of it, and removes what was there of it
// while it ran.
func stopAll(ctx context.Context, m *manager.Manager, h host.Host, name string, last bool) error {
	all := []error{m.Stop(ctx, name+".socket")}
	instances, err := instances(ctx, m, name)
	all = append(all, err)
	for _, unit := range instances {
		all = append(all, m.Stop(ctx, unit))
	}
	all = append(all, m.Stop(ctx, units.SliceName(name)))
	runtime, err := h.RuntimeDir()
	if err != nil {
		return errors.Join(append(all, err)...)
	}
	all = append(all, tree.RemoveRuntime(filepath.Join(runtime, filepath.Base(units.RuntimePath(name)))))
	if last {
		_ = os.Remove(filepath.Join(runtime, "socketgi")) // if nobody else listens there
	}
	return errors.Join(all...)
}

// notListening says why the socket didn't start.
func (a *Add) notListening(ctx context.Context, m *manager.Manager, socket string, err error) error {
	if !errors.Is(err, manager.ErrJob) {
		return err
	}
	result := ""
	if p, propertyErr := m.GetUnitTypePropertyContext(ctx, socket, "Socket", "Result"); propertyErr == nil {
		result, _ = p.Value.Value().(string)
	}
	return fmt.Errorf("%s can't listen (%s): is something else there at %s? journalctl -u %s says more", socket, result, a.Options.Listen, socket)
}

// allowed tells who may not even try.
func allowed(h host.Host) error {
	if !h.User && h.Root == "" && os.Geteuid() != 0 {
		return writable(fmt.Errorf("the units of this system: %w", os.ErrPermission))
	}
	return nil
}

// writable says what to do where only root may write.
func writable(err error) error {
	if errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("%w: that is for root to do (sudo), or say --user-manager for your own systemd", err)
	}
	return err
}
