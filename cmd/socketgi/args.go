package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// words wants one argument for each name; a last "..." allows more.
func words(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		least, more := len(names), false
		if names[least-1] == "..." {
			least, more = least-1, true
		}
		if len(args) < least || len(args) > least && !more {
			return fmt.Errorf("%s takes %s, and was given %d of them: see %s --help",
				cmd.CommandPath(), strings.Join(names, " "), len(args), cmd.CommandPath())
		}
		return nil
	}
}
