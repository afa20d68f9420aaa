package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/units"
)

// check has systemd load the application in its sandbox, as its user. What it leaves to
// be kept is handed to take while it is there.
func (a *Add) check(ctx context.Context, m *manager.Manager, take func() error) error {
	dir, _, err := a.checkDirs()
	if err != nil {
		return err
	}
	return a.load(ctx, m, func(unit, output string) (undo, error) {
		text, err := units.RenderCheck(a.Options, output)
		if err != nil {
			return nil, err
		}
		return a.writeCheck(dir, unit, text)
	}, take)
}

// load starts a unit of a check that write writes, which says to the file output what is
// wrong.
func (a *Add) load(ctx context.Context, m *manager.Manager, write func(unit, output string) (undo, error), take func() error) (err error) {
	_, runtime, err := a.checkDirs()
	if err != nil {
		return err
	}
	out, err := newOutlet(runtime)
	if err != nil {
		return err
	}
	defer out.close()
	unit := units.CheckService(a.Options.Name)
	clean, err := write(unit, out.path)
	defer func() {
		// Also when somebody interrupts. What runs goes first.
		ctx := context.WithoutCancel(ctx)
		stopErr := m.Stop(ctx, unit)
		// systemd gives up on one with very many directories in each other.
		left := removeRuntime(filepath.Join(runtime, filepath.Base(units.CheckPath(a.Options.Name))))
		err = errors.Join(err, stopErr, left, clean.run(), m.ReloadContext(ctx))
	}()
	if err != nil {
		return err
	}
	if err := m.ReloadContext(ctx); err != nil {
		return err
	}
	switch err := m.Start(ctx, unit); {
	case err == nil:
		return take()
	case !errors.Is(err, manager.ErrJob):
		return err
	}
	why := explainStart(ctx, m, unit)
	// What it has left running ends, and says no more.
	if err := m.Stop(context.WithoutCancel(ctx), unit); err != nil {
		return err
	}
	said := out.said()
	if why != "" {
		said = strings.TrimSpace(said + "\n" + why)
	}
	return fmt.Errorf("%s can't be loaded:\n%s", a.Options.App, plain.Quote(said))
}

// writeCheck writes the unit of the check, and a drop-in that counts more than those of
// the operator: they may change the sandbox and the environment, and not what is run.
func (a *Add) writeCheck(dir, unit, text string) (clean undo, err error) {
	dropIns := filepath.Join(dir, unit+".d")
	made, err := makeDirs(dropIns)
	clean.add(func() error { removeEmpty(made); return nil })
	if err != nil {
		return clean, err
	}
	own := "[Service]\nExecStart=\n"
	for line := range strings.Lines(text) {
		switch name, _, _ := strings.Cut(line, "="); name {
		case "Type", "RemainAfterExit", "StandardOutput", "StandardError", "ExecStart":
			own += line
		}
	}
	for path, text := range map[string]string{
		filepath.Join(dir, unit):                          text,
		filepath.Join(dropIns, "zzz-socketgi-check.conf"): own,
	} {
		clean.add(func() error { return remove(path) })
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return clean, err
		}
	}
	if !a.Options.Warm {
		return clean, nil // it is an instance of the service, and has its drop-ins
	}
	service, err := a.Host.Unit(a.Options.Name + ".service")
	if err != nil {
		return clean, nil // there is none yet
	}
	for _, dropIn := range service.DropIns {
		link := filepath.Join(dropIns, filepath.Base(dropIn))
		clean.add(func() error { return remove(link) })
		if err := os.Symlink(dropIn, link); err != nil && !os.IsExist(err) {
			return clean, err
		}
	}
	return clean, nil
}

// remove removes a file, if it is there.
func remove(path string) error {
	if err := os.Remove(path); !os.IsNotExist(err) {
		return err
	}
	return nil
}

// checkDirs are where units that exist until the next boot lie, and where files do.
func (a *Add) checkDirs() (units, runtime string, err error) {
	if !a.Host.User {
		return "/run/systemd/system", "/run", nil
	}
	runtime = os.Getenv("XDG_RUNTIME_DIR")
	if runtime == "" {
		return "", "", errors.New("XDG_RUNTIME_DIR is not set: log in as that user, or say machinectl shell USER@")
	}
	return filepath.Join(runtime, "systemd/user"), runtime, nil
}
