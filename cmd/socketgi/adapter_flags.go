package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/application"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/program"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

// adapterFlags are what is said on the command line of the service.
type adapterFlags struct {
	appFlags
	adapter     string
	mount       string
	timeout     time.Duration
	concurrency int
	accessLog   bool
	runs        string // the Python that was found or named
	warm        warmFlags
}

func (a *adapterFlags) define(cmd *cobra.Command) {
	a.appFlags.define(cmd)
	f := cmd.Flags()
	f.StringVar(&a.adapter, "adapter", "", "`PATH` of socketgi-adapter on the machine that gets the units")
	f.StringVar(&a.mount, "mount", "", "the application lives below `/PREFIX`")
	f.DurationVar(&a.timeout, "timeout", 60*time.Second, "end a request that takes longer with 504; 0 never does")
	a.warm.define(f)
	f.IntVar(&a.concurrency, "concurrency", 10, "run at most `N` requests at once, the others wait; 0 sets no limit")
	a.accessLog = true
	f.Var((*yesNo)(&a.accessLog), "access-log", "log each request; what fails always is")
}

// path returns where the adapter is.
func (a *adapterFlags) path() (string, error) {
	if a.adapter == "" {
		return program.Adapter()
	}
	return filepath.Abs(a.adapter)
}

// fill writes down how the adapter is run.
func (a *adapterFlags) fill(o *appunits.Options, args []string) (err error) {
	app, err := a.Resolve(args)
	if err != nil {
		return err
	}
	a.runs = app.Interpreter
	a.warnings = append(append(a.warnings, app.Slow...), app.Passed...)
	if a.adapter, err = a.path(); err != nil {
		return err
	}
	switch {
	case a.timeout < 0:
		return fmt.Errorf("--timeout %v: a timeout is not negative; 0 is none", a.timeout)
	case a.concurrency < 0:
		return fmt.Errorf("--concurrency %d: 0 sets no limit, and less is not possible", a.concurrency)
	}
	warm, err := a.warm.args(o.Warm, app.WSGI)
	if err != nil {
		return err
	}
	if err := units.CheckMount(a.mount); err != nil {
		return err
	}
	o.Exec = []string{a.adapter}
	if a.mount != "" {
		o.Exec = append(o.Exec, "--mount", a.mount)
	}
	if a.timeout != 60*time.Second {
		o.Exec = append(o.Exec, "--timeout", a.timeout.String())
	}
	if !a.accessLog {
		o.Exec = append(o.Exec, "--access-log", "no")
	}
	o.Exec = append(o.Exec, warm...)
	// The workers of an application that stays are the limit.
	if a.concurrency != 0 && !(o.Warm && app.WSGI) {
		o.Exec = append(o.Exec, "--concurrency", strconv.Itoa(a.concurrency))
	}
	o.Exec = append(o.Exec, app.Words...)
	o.App, o.WorkingDirectory = app.Label, app.Dir
	o.Adapter, o.Code, o.Mount = true, app.WSGI, a.mount
	if app.PWD != "" && o.Warm { // a link may lead elsewhere when it is loaded again
		o.Env = append(o.Env, "PWD="+app.PWD)
	}
	a.warnings = append(a.warnings, app.Refused...)
	o.Reads = a.Root.Existing(append(app.Files, a.readable(app, &o.Options)...)...)
	if a.Root != "" {
		return nil // who gets at what there can't be said from here
	}
	if o.UserManager {
		return nil // it runs as whoever says this
	}
	for _, path := range append(app.Files, a.adapter) {
		if why := access.Unreachable(path, o.User); why != "" && !slices.Contains(a.warnings, why) {
			a.warnings = append(a.warnings, why)
		}
	}
	return nil
}

// readable are the folders of an application that the sandbox may show to it. Those of a Python
// are what its own files say: they open nothing to it that is closed to its user.
func (a *adapterFlags) readable(app *application.Application, o *units.Options) (folders []string) {
	if !app.WSGI || a.Root != "" || o.UserManager {
		return app.Folders
	}
	user := o.User
	if _, ok := account.FindUser("", user); !ok {
		user = "" // one that is still to be made
	}
	for _, folder := range app.Folders {
		if access.Unreachable(folder, user) == "" {
			folders = append(folders, folder)
		}
	}
	return folders
}
