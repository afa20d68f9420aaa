package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/socketgi/socketgi/cmd/internal/version"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/doctor"
	"github.com/spf13/cobra"
)

// defineVersion defines --version, which queries systemd.
func defineVersion(root *cobra.Command) {
	root.Version = version.Release()
	cobra.AddTemplateFunc("about", about)
	root.SetVersionTemplate("{{about}}")
}

// about has the versions for a bug report.
func about() string {
	return fmt.Sprintf("socketgi %s\ncommit:  %s\ngo:      %s %s/%s\nsystemd: %s\n", version.Release(), version.Commit(),
		runtime.Version(), runtime.GOOS, runtime.GOARCH, doctor.Features(context.Background()))
}
