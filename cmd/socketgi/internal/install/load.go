package install

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/trial"
)

// tryOut loads the application, and keeps the resulting cached code.
func (a *adding) tryOut(ctx context.Context) error {
	if a.Options.Adapter == nil {
		return nil
	}
	a.Log("loading %s in its sandbox", a.Options.App)
	t, err := trial.Rendered(a.Host, a.Options.Name, a.pair.ServiceName, a.pair.Service)
	if err != nil {
		return err
	}
	t.Manager, t.Locked, t.Limit = a.manager, true, longestLoad(a.Timeout)
	found := ""
	if a.caches() {
		found, err = keepCode(ctx, t, code{a.Options.Name, a.Options.App, a.user.GID}, a.back, a.keep)
	} else {
		found, err = load(ctx, t, a.Options.App)
	}
	if err != nil || found == "" {
		return err
	}
	a.Log("interface: %s", found)
	// Flags without effect are refused now that the interface is known.
	values, accept := *a.Options.Adapter, adapter.AcceptYes
	if asked := values.Interface; asked != adapter.InterfaceAuto && !strings.EqualFold(asked, found) { // a script passes its application to run_app
		return fmt.Errorf("%s is a %s application: omit --interface %s", a.Options.App, found, asked)
	}
	if values.Interface = strings.ToLower(found); a.Options.Warm {
		accept = adapter.AcceptNo
	}
	return values.ValidateFor(accept)
}

// longestLoad limits a trial of an application with that timeout, 0 for no limit: the adapter loads it up to three
// times, each within its --timeout.
func longestLoad(timeout time.Duration) time.Duration {
	if timeout <= 0 {
		timeout = 5 * time.Minute
	}
	return 3*timeout + 30*time.Second
}

// load runs a trial of the application that the operator calls what, and returns its interface, or the error of
// loading it.
func load(ctx context.Context, t *trial.Trial, what string) (found string, err error) {
	done := terminal.Progress(os.Stderr, "loading "+what)
	o, err := t.Run(ctx)
	done()
	if o.Loaded || o.Result == "" && err != nil {
		return o.Interface, err
	}
	said := strings.TrimSpace(o.Said + "\n" + o.Explain())
	return "", errors.Join(fmt.Errorf("%s can't be loaded:\n%s", what, plain.Quote(said)), err)
}

// code is the cached code of an application.
type code struct {
	name, what string
	group      int // the group that can read it, -1 for every user
}

// keepCode keeps the cached code of a trial, with the interface of the application, which it returns.
func keepCode(ctx context.Context, t *trial.Trial, c code, back, keep *undo) (found string, err error) {
	path := appunits.CachePath(c.name)
	made, err := makeDirs(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	back.add(func() error { removeEmpty(made); return nil })
	if err := ours(filepath.Dir(path)); err != nil {
		return "", err
	}
	// Names of applications don't begin with a dot.
	staged := filepath.Join(filepath.Dir(path), "."+c.name)
	if err := os.RemoveAll(staged); err != nil { // of an interrupted command
		return "", err
	}
	back.add(func() error { return os.RemoveAll(staged) })
	t.Keep = func(dir string) error { return copyCode(dir, staged, c.group) }
	if found, err = load(ctx, t, c.what); err != nil {
		return "", err
	}
	if found != "" {
		if err := os.WriteFile(filepath.Join(staged, host.InterfaceFile), []byte(found+"\n"), 0o644); err != nil {
			return "", err
		}
	}
	undo, kept, err := putCode(staged, path)
	if err != nil {
		return "", err
	}
	back.add(undo)
	keep.add(kept)
	return found, nil
}
