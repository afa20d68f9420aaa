package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/trial"
	"github.com/socketgi/socketgi/units"
)

// adding adds an application to a running system.
type adding struct {
	*Add
	manager    *manager.Manager
	back, keep *undo
	pair       units.Pair
	files      []file
	// restarted: the socket listens with the new units.
	restarted bool
}

func (a *adding) run(ctx context.Context) error {
	if len(a.files) > 0 {
		if err := a.verify(ctx, a.pair); err != nil {
			return err
		}
	}
	if a.Options.State && !a.stateThere() {
		a.back.add(func() error { a.dropState(); return nil })
	}
	if err := a.tryOut(ctx); err != nil {
		return err
	}
	listened, err := a.manager.Active(ctx, a.pair.SocketName)
	if err != nil {
		return err
	}
	if len(a.files) == 0 {
		a.Log("the units exist and are unchanged")
	} else if err := a.replace(ctx); err != nil {
		return err
	}
	if !a.Now {
		if listened && len(a.files) > 0 {
			a.Log("%s still has its old settings: systemctl restart %[1]s", a.pair.SocketName)
		}
		return nil
	}
	if err := a.enable(ctx); err != nil {
		return err
	}
	if !listened {
		err = a.listen(ctx)
	} else if len(a.files) > 0 {
		a.restarted = true
		err = a.manager.Restart(ctx, a.pair.SocketName)
	}
	if err != nil {
		return a.notListening(ctx, err)
	}
	if err := a.stopReplaced(ctx); err != nil {
		return err
	}
	return a.checkAnswers(ctx)
}

// replace writes the units, and reloads systemd.
func (a *adding) replace(ctx context.Context) error {
	after := context.WithoutCancel(ctx) // for undoing after ctx is done
	a.back.add(func() error {
		if a.restarted {
			return a.manager.Restart(after, a.pair.SocketName)
		}
		return nil
	})
	a.back.add(func() error { return a.manager.ReloadContext(after) }) // after the files are restored
	if err := a.write(a.back, a.keep, a.files); err != nil {
		return err
	}
	if err := a.manager.ReloadContext(ctx); err != nil {
		return err
	}
	service := a.pair.ServiceName
	if !a.Options.Warm {
		service = trial.Instance(a.Options.Name) // a template itself is never loaded
	}
	loaded := []string{a.pair.SocketName, service}
	if a.pair.Slice != "" {
		loaded = append(loaded, a.pair.SliceName)
	}
	for _, unit := range loaded {
		if err := a.manager.CheckLoaded(ctx, unit); err != nil {
			return err
		}
	}
	return nil
}

// stopReplaced stops units whose files were removed: the service of a warm application, and a slice with its
// processes. Instances of a template end by themselves.
func (a *adding) stopReplaced(ctx context.Context) error {
	for _, f := range a.files {
		if unit := filepath.Base(f.path); f.gone && !strings.HasSuffix(unit, "@.service") {
			if err := a.manager.Stop(ctx, unit); err != nil {
				return err
			}
		}
	}
	return nil
}

// enable enables the socket.
func (a *adding) enable(ctx context.Context) error {
	m, socket := a.manager, a.pair.SocketName
	after := context.WithoutCancel(ctx)
	_, changes, err := m.EnableUnitFilesContext(ctx, []string{socket}, false, false)
	if len(changes) > 0 {
		a.back.add(func() error {
			_, err := m.DisableUnitFilesContext(after, []string{socket}, false)
			return errors.Join(err, m.ReloadContext(after))
		})
		a.Log("enabled %s", socket)
		if err == nil {
			err = m.ReloadContext(ctx) // else all units need a reload, since systemd 255
		}
	}
	return err
}

// listen starts the socket.
func (a *adding) listen(ctx context.Context) error {
	after := context.WithoutCancel(ctx)
	runtime, err := a.Host.RuntimeDir()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(runtime, "socketgi")); os.IsNotExist(err) {
		a.back.add(func() error { removeSockets(a.Host); return nil })
	}
	a.back.add(func() error { return stopAll(after, a.manager, a.Host, a.Options.Name) })
	if err := a.manager.Start(ctx, a.pair.SocketName); err != nil {
		return err
	}
	a.Log("started %s", a.pair.SocketName)
	return nil
}

// notListening returns why the socket didn't start.
func (a *adding) notListening(ctx context.Context, err error) error {
	if !errors.Is(err, manager.ErrJob) {
		return err
	}
	socket := a.pair.SocketName
	p, _ := a.manager.Properties(ctx, socket, "Socket")
	return fmt.Errorf("%s can't listen at %[3]s (%[2]s): journalctl -u %[1]s", socket, p.Text("Result"), a.Options.Listen, socket)
}
