package main

import (
	"path/filepath"
	"slices"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/compose"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/program"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// share defines flags of the adapter for a command, with the adapter's help.
func share(f *pflag.FlagSet, o *adapter.Options, names ...string) {
	for _, flag := range o.Flags() {
		if !slices.Contains(names, flag.Name) {
			continue
		}
		p := f.VarPF(flag.Value, flag.Name, "", flag.Usage)
		switch {
		case flag.Value.Type() == "bool":
			p.NoOptDefVal = "true"
		default:
			p.DefValue = adapter.ShownDefault(flag.Value, p.DefValue)
		}
	}
}

// adapterFlags are the flags of applications that the adapter serves from units.
type adapterFlags struct {
	appFlags
	program string // path of the adapter
	python  string // path of the application's Python
	flags   *pflag.FlagSet
}

func (a *adapterFlags) define(cmd *cobra.Command) {
	a.appFlags.define(cmd)
	f := cmd.Flags()
	a.flags = f
	f.StringVar(&a.program, "adapter", "", "`PATH` of socketgi-adapter on the machine that gets the units")
	a.Adapter.Concurrency = 10
	share(f, &a.Adapter, "mount", "timeout", "queue-timeout", "concurrency", "max-message", "access-log", "workers", "max-requests", "idle-exit", "preload", "reload", "warm-path")
}

// path returns the path of the adapter.
func (a *adapterFlags) path() (string, error) {
	if a.program == "" {
		return program.Adapter()
	}
	return filepath.Abs(a.program)
}

// fill sets the options of the adapter's command line.
func (a *adapterFlags) fill(o *appunits.Options, args []string) (err error) {
	if a.Accept = adapter.AcceptYes; o.Warm {
		a.Accept = adapter.AcceptNo
	}
	if o.Warm && a.Adapter.WSGI() && !a.flags.Changed("concurrency") {
		a.Adapter.Concurrency = 0 // the workers are the limit
	}
	app, err := a.Resolve(args)
	if err != nil {
		return err
	}
	a.python = app.Adapter.Python
	a.warnings = append(append(a.warnings, app.Slow...), app.Passed...)
	path, err := a.path()
	if err != nil {
		return err
	}
	if err := units.CheckMount(a.Adapter.Mount); err != nil {
		return err
	}
	a.warnings = append(a.warnings, compose.Serve(o, app, path, a.Root)...)
	return nil
}
