package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/install"
	"github.com/spf13/cobra"
)

func newRefresh() *cobra.Command {
	var h host.Host
	return &cobra.Command{
		Use:   "refresh [NAME...]",
		Short: "Renew the cached code of applications",
		Long: `Load Python applications, each as its user and in its sandbox, and cache the
compiled code, as socketgi add does; without NAME, all applications that have
cached code. Run it after an upgrade of Python or of packages that an
application imports; packages of socketgi run it when they are upgraded. Nothing
else is changed. If an application can't be loaded, its old cached code is kept.

Exit status: 0, or 1 if an application can't be loaded.`,
		Example:           "  socketgi refresh\n  socketgi refresh hello",
		ValidArgsFunction: completeNamesAt(&h),
		RunE: func(cmd *cobra.Command, args []string) error {
			syscall.Umask(0o022)
			apps, problems := refreshed(h, args)
			return interruptible(func(ctx context.Context) error {
				for _, app := range apps {
					r := install.Refresh{Host: h, App: app, Log: logTo(cmd.ErrOrStderr())}
					switch {
					case ctx.Err() != nil:
						return ctx.Err()
					case r.Caches():
						problems = append(problems, r.Run(ctx))
					case len(args) > 0:
						problems = append(problems, fmt.Errorf("%s has no cached code: only Python applications added by root have", app.Name))
					}
				}
				return errors.Join(problems...)
			})
		},
	}
}

// refreshed returns the named applications, or all.
func refreshed(h host.Host, names []string) (apps []*host.Application, problems []error) {
	if len(names) == 0 {
		return h.List()
	}
	for _, name := range names {
		app, err := h.Load(name)
		if err != nil {
			return nil, []error{err}
		}
		apps = append(apps, app)
	}
	return apps, nil
}
