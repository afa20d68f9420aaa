package main

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/manual"
	"github.com/socketgi/socketgi/cmd/internal/version"
	"github.com/spf13/cobra"
)

// newMan is for the Makefile, and for users of go install.
func newMan() *cobra.Command {
	e := manual.Edition{Version: version.Release()}
	cmd := &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the manual pages to a directory",
		Hidden: true,
		Args:   words("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			for _, p := range slices.Concat(manual.Commands(cmd.Root(), e), manual.Topics(e), []manual.Page{manual.Adapter(e)}) {
				if err := os.WriteFile(filepath.Join(args[0], p.Name), p.Text, 0o644); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&e.Date, "date", time.Now().UTC().Format(time.DateOnly), "`DATE` in the footer of the pages")
	return cmd
}
