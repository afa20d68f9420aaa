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
	var listen, path string
	var a appFlags
	cmd := &cobra.Command{
		Use:   "dev APP | dev --cgi -- PROGRAM [ARG...] | dev --cgi-root DIR",
		Short: "Serve an application over HTTP for its developer",
		Long: `Serve an application over HTTP for its developer, each request in a fresh
process, as a socket unit with Accept=yes does. Edit a file, reload the page,
see the change. A traceback is shown in the browser and in the terminal.

The application runs as your user. As root, dev refuses an application that
other users can write.

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
			o := &app.Adapter
			if err := units.CheckMount(o.Mount); err != nil {
				return err
			}
			if path == "" {
				if path, err = program.Adapter(); err != nil {
					return err
				}
			} else if !program.Is(path) {
				return fmt.Errorf("--adapter %s: not an executable file", path)
			}
			for _, text := range append(app.Passed, app.Refused...) {
				fmt.Fprintln(cmd.ErrOrStderr(), "socketgi: warning: "+text)
			}
			o.Debug, o.Cache, o.Mount = true, dev.Cache(), strings.TrimRight(o.Mount, "/")
			s := dev.Server{Listen: listen, Mount: o.Mount, App: app.Label, Python: o.Python, Command: append([]string{path}, o.Arguments()...)}
			return interruptible(func(ctx context.Context) error { return s.Serve(ctx, cmd.OutOrStdout()) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", "127.0.0.1:8080", "serve HTTP at `HOST:PORT`")
	f.StringVar(&path, "adapter", "", "`PATH` of socketgi-adapter")
	a.define(cmd)
	share(f, &a.Adapter, "mount")
	return cmd
}
