package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/dev"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/program"
	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

func newDev() *cobra.Command {
	var listen, mount, adapter string
	var a appFlags
	cmd := &cobra.Command{
		Use:   "dev APP | dev --cgi -- PROGRAM [ARG...] | dev --cgi-root DIR",
		Short: "Serve an application on this machine, each request in a fresh process",
		Long: `Serve an application over HTTP for its developer: every request gets a process of
its own, exactly as from a socket unit with Accept=yes. Edit a file, reload the
page, see the change. A traceback is shown in the browser and here.

It runs as whoever says this. Root is refused what somebody else can write.

` + appHelp,
		Example: "  socketgi dev hello.py\n  socketgi dev mysite.wsgi:application --listen 127.0.0.1:8000\n" +
			"  socketgi dev --cgi ./hello.cgi",
		Args: a.words(),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := a.Resolve(args)
			if err != nil {
				return err
			}
			if err := dev.RootMayRun(slices.Concat([]string{app.Dir}, app.Files, app.Folders), app.Trees); err != nil {
				return err
			}
			if err := units.CheckMount(mount); err != nil {
				return err
			}
			mount = strings.TrimRight(mount, "/")
			if adapter == "" {
				if adapter, err = program.Adapter(); err != nil {
					return err
				}
			} else if !program.Is(adapter) {
				return fmt.Errorf("--adapter %s: there is no program", adapter)
			}
			for _, text := range append(app.Passed, app.Refused...) {
				fmt.Fprintln(cmd.ErrOrStderr(), "socketgi: warning: "+text)
			}
			argv := []string{adapter, "--debug", "--mount", mount}
			if dir := dev.Cache(); dir != "" {
				argv = append(argv, "--cache", dir)
			}
			s := dev.Server{Listen: listen, Mount: mount, App: app.Label, Python: app.Interpreter, Command: append(argv, app.Words...)}
			return interruptible(func(ctx context.Context) error { return s.Serve(ctx, cmd.OutOrStdout()) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8080", "serve HTTP at `ADDRESS`")
	f.StringVar(&mount, "mount", "", "serve the application below `/PREFIX`")
	f.StringVar(&adapter, "adapter", "", "`PATH` of socketgi-adapter")
	a.define(cmd)
	return cmd
}
