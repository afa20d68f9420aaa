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
		Short: "Make the cached code of applications anew",
		Long: `Load Python applications, each by its user and in its sandbox, and keep the code that
was compiled for that, as socketgi add does; without NAME those of this machine that
have any. Nothing else is changed. It is worth doing after an upgrade of Python, of
packages that an application imports, or of socketgi; a package of socketgi does it by
itself. Where an application can't be loaded, what was kept before stays.

Exit status: 0, or 1 when one of them can't be loaded.`,
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
						problems = append(problems, fmt.Errorf("%s has no cached code: that is for Python applications that root has added", app.Name))
					}
				}
				return errors.Join(problems...)
			})
		},
	}
}

// refreshed are the applications that are named, or all.
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
