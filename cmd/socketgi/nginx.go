package main

import (
	"fmt"
	"time"

	"github.com/socketgi/socketgi/units"
	"github.com/spf13/cobra"
)

func newNginx() *cobra.Command {
	var o units.NginxOptions
	cmd := &cobra.Command{
		Use:     "nginx NAME",
		Short:   "Print the location for nginx",
		Long:    "Print the location that passes requests to an application, for a server block of nginx.",
		Example: "  socketgi nginx hello --mount /hello",
		Args:    words("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			text, err := units.Nginx(o)
			if err != nil {
				return err
			}
			fmt.Fprint(cmd.OutOrStdout(), text)
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Mount, "mount", "", "the application lives below `/PREFIX` (default: all of the server)")
	cmd.Flags().DurationVar(&o.Timeout, "timeout", 60*time.Second, "the --timeout that the units have; nginx waits longer")
	cmd.Flags().StringVar(&o.Listen, "listen", "", "it listens at `PATH or ADDRESS` (default /run/socketgi/NAME.sock)")
	return cmd
}
