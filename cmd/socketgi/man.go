package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/manual"
	"github.com/socketgi/socketgi/cmd/internal/version"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/program"
	"github.com/spf13/cobra"
)

// newMan is for the Makefile, and for those who have the programs from go install.
func newMan() *cobra.Command {
	e := manual.Edition{Version: version.Release()}
	cmd := &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the manual pages to a directory",
		Hidden: true,
		Args:   words("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			adapter, err := program.Adapter()
			if err != nil {
				return err
			}
			help, err := exec.Command(adapter, "--help").Output()
			if err != nil {
				return fmt.Errorf("%s --help: %w", adapter, err)
			}
			page, err := manual.Adapter(string(help), e)
			if err != nil {
				return err
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			for _, p := range append(manual.Commands(cmd.Root(), e), page, manual.Request(e)) {
				if err := os.WriteFile(filepath.Join(args[0], p.Name), p.Text, 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&e.Date, "date", time.Now().UTC().Format(time.DateOnly), "the `DATE` below the pages")
	return cmd
}
