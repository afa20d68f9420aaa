package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/units"
)

// Remove is an application to remove.
type Remove struct {
	Host host.Host
	Name string
	// Now stops it before.
	Now bool
	// DropIns removes the operator's changes, too.
	DropIns bool
	// Log reports each step.
	Log func(format string, arg ...any)
}

// removal has the files of an application.
type removal struct {
	app     *host.Application
	files   []file
	code    string   // cached code, "" for none
	kept    error    // why the directory of the code is kept
	dropIns []string // directories
}

// look finds the files of the application, or returns why it can't be removed.
func (r *Remove) look() (*removal, error) {
	app, err := r.Host.Load(r.Name)
	if err != nil {
		return nil, err
	}
	dirs, err := r.Host.Dirs()
	if err != nil {
		return nil, err
	}
	x := &removal{app: app}
	parts := []*host.Unit{app.Socket, app.Service}
	if app.Slice != nil {
		parts = append(parts, app.Slice)
	}
	for _, u := range parts {
		if filepath.Dir(u.Path) != filepath.Clean(dirs[0]) {
			return nil, fmt.Errorf("%s was not written by socketgi add: remove it by hand", u.Path)
		}
		if _, err := read(u.Path); err != nil {
			return nil, err
		}
		x.files = append(x.files, file{path: u.Path, gone: true})
		// Drop-ins in other directories belong to the unit, too.
		dir := u.Path + ".d"
		if _, err := os.Lstat(dir); err == nil {
			x.dropIns = append(x.dropIns, dir)
		}
	}
	code, err := rootfs.InsideDir(r.Host.Root, appunits.CachePath(r.Name))
	if err != nil {
		return nil, err
	}
	if r.Host.User {
		cache, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		code = filepath.Join(cache, "socketgi", r.Name)
	}
	if _, err := os.Lstat(code); err == nil {
		if x.kept = codeOnly(code); x.kept == nil {
			x.code = code
		}
	}
	return x, nil
}

// Plan returns the steps of Run, a line each.
func (r *Remove) Plan() (steps []string, err error) {
	x, err := r.look()
	if err != nil {
		return nil, err
	}
	if r.Now && r.Host.Root == "" {
		steps = append(steps, "stop "+x.app.Socket.Name+", and what it started")
	}
	steps = append(steps, "disable "+x.app.Socket.Name)
	for _, f := range x.files {
		steps = append(steps, "remove "+f.path)
	}
	if x.code != "" {
		steps = append(steps, "remove "+x.code)
	}
	if r.DropIns {
		for _, dir := range x.dropIns {
			steps = append(steps, "remove "+dir)
		}
	}
	return append(steps, x.left(r)...), nil
}

// markState marks kept data with the name of its application, for when that is added again.
func (r *Remove) markState() {
	for _, dir := range stateDirs(r.Host, r.Name) {
		real, err := rootfs.Inside(r.Host.Root, dir)
		if err != nil {
			continue
		}
		if info, err := os.Stat(real); err != nil || !info.IsDir() {
			continue
		}
		if err := mark(r.Host, real, r.Name); err != nil {
			r.Log("%s can't be marked as the data of %s, which must own it to use it again: %s", real, r.Name, failure.Text(err))
		}
	}
}

// left lists the kept files.
func (x *removal) left(r *Remove) (notes []string) {
	if !r.DropIns && len(x.dropIns) > 0 {
		notes = append(notes, strings.Join(x.dropIns, " and ")+": your changes are kept (remove them with --drop-ins)")
	}
	if x.kept != nil {
		notes = append(notes, x.kept.Error()+"; it is kept")
	}
	if state := x.app.Service.Get("Service", "StateDirectory"); state != "" {
		base := "/var/lib"
		if r.Host.User {
			base, _ = os.UserConfigDir() // as in systemd 252
		}
		var dirs []string
		for _, name := range strings.Fields(state) {
			dirs = append(dirs, filepath.Join("/", r.Host.Root, base, name))
		}
		notes = append(notes, strings.Join(dirs, ", ")+": its data is kept")
	}
	return notes
}

// Run removes it.
func (r *Remove) Run(ctx context.Context) (err error) {
	if err := units.CheckName(r.Name); err != nil {
		return err
	}
	dir, err := r.Host.Dir()
	if err != nil {
		return err
	}
	if err := allowed(r.Host); err != nil {
		return err
	}
	l, err := lock(dir)
	switch {
	case err == nil:
		defer l.Close()
		err = tidyFiles(r.Host, dir, r.Name)
	case errors.Is(err, fs.ErrNotExist): // so there is no application
		err = nil
	}
	if err != nil {
		return writable(err)
	}
	// After locking, because another command may have added or removed it.
	x, err := r.look()
	if err != nil {
		return err
	}
	if r.Host.Root != "" {
		if err := disableOffline(r.Host.Root, x.app.Socket.Name); err != nil {
			return writable(err)
		}
		return r.finish(x, func() error { return nil })
	}
	m, err := connect(ctx, r.Host)
	if err != nil {
		return err
	}
	defer m.Close()
	if err := tidyTrials(ctx, m, r.Host, r.Name); err != nil {
		return err
	}
	if err := r.stop(ctx, m, x); err != nil {
		return err
	}
	if _, err := m.DisableUnitFilesContext(ctx, []string{x.app.Socket.Name}, false); err != nil {
		return err
	}
	r.Log("disabled %s", x.app.Socket.Name)
	return r.finish(x, func() error { return m.ReloadContext(context.WithoutCancel(ctx)) })
}

// stop stops it, with --now.
func (r *Remove) stop(ctx context.Context, m *manager.Manager, x *removal) error {
	units := []string{x.app.Socket.Name}
	if x.app.Warm {
		units = append(units, x.app.Service.Name)
	}
	active := false
	for _, unit := range units {
		running, err := m.Active(ctx, unit)
		if err != nil {
			return err
		}
		active = active || running
	}
	if active && !r.Now {
		return fmt.Errorf("%s listens: use --now to stop it, too", r.Name)
	}
	var others []string
	if active {
		var err error
		if others, err = r.sharers(ctx, m, x); err != nil {
			return err
		}
	}
	if err := stopAll(ctx, m, r.Host, r.Name); err != nil {
		return err
	}
	removeSockets(r.Host)
	for _, socket := range others {
		// systemd has removed the path, also for other sockets at it.
		if err := m.Restart(ctx, socket); err != nil {
			return err
		}
		r.Log("restarted %s, which listens at the same place", socket)
	}
	if active {
		r.Log("stopped %s", x.app.Socket.Name)
	}
	return nil
}

// sharers are the other sockets that now listen at the application's paths.
func (r *Remove) sharers(ctx context.Context, m *manager.Manager, x *removal) (sockets []string, err error) {
	listen := r.Host.Listen(x.app.Socket)
	for _, other := range r.Host.Listeners() {
		shares := slices.ContainsFunc(listen, func(l string) bool {
			return slices.ContainsFunc(other.Listen, func(o string) bool { return r.Host.Collide(l, o) })
		})
		if other.Name == x.app.Socket.Name || !shares {
			continue
		}
		running, err := m.Active(ctx, other.Name)
		if err != nil {
			return nil, err
		}
		if running {
			sockets = append(sockets, other.Name)
		}
	}
	return sockets, nil
}

// finish removes the files, the units first: without them, the others are unused.
func (r *Remove) finish(x *removal, reload func() error) error {
	back, keep, err := replace(x.files)
	if err != nil {
		return writable(err)
	}
	if err := reload(); err != nil {
		return errors.Join(err, back())
	}
	all := []error{keep()}
	for _, f := range x.files {
		r.Log("removed %s", f.path)
	}
	var more []string
	if x.code != "" {
		more = append(more, x.code)
	}
	if r.DropIns {
		more = slices.Concat(more, x.dropIns)
	}
	for _, path := range more {
		if err := os.RemoveAll(path); err != nil {
			all = append(all, err)
			continue
		}
		r.Log("removed %s", path)
	}
	if x.code != "" {
		_ = os.Remove(filepath.Dir(x.code)) // if no other application has any
	}
	if r.DropIns && len(x.dropIns) > 0 {
		all = append(all, reload())
	}
	for _, note := range x.left(r) {
		r.Log("%s", note)
	}
	if slices.Contains(strings.Fields(x.app.Service.Get("Service", "StateDirectory")), r.Name) {
		r.markState()
	}
	return errors.Join(all...)
}
