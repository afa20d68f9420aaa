package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/socketgi/socketgi/cmd/internal/version"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/doctor"
	"github.com/spf13/cobra"
)

// defineVersion defines --version. Systemd is asked only when somebody wants to know.
func defineVersion(root *cobra.Command) {
	root.Version = version.Release()
	cobra.AddTemplateFunc("about", about)
	root.SetVersionTemplate("{{about}}")
}

// about is what belongs into a report of a problem.
func about() string {
	return fmt.Sprintf("socketgi %s\ncommit:  %s\ngo:      %s %s/%s\nsystemd: %s\n", version.Release(), version.Commit(),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, doctor.Features(context.Background()))
}
