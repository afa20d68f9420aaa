package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// words requires one argument for each name; "..." at the end allows more.
func words(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		least, more := len(names), false
		if least > 0 && names[least-1] == "..." {
			least, more = least-1, true
		}
		if len(args) < least || len(args) > least && !more {
			if least == 0 {
				names = []string{"no argument"}
			}
			return fmt.Errorf("%s: expected %s, got %s; see %s --help",
				cmd.CommandPath(), strings.Join(names, " "), count(args), cmd.CommandPath())
		}
		return nil
	}
}

// count is a number of arguments in words.
func count(args []string) string {
	if len(args) == 1 {
		return "1 argument"
	}
	return fmt.Sprintf("%d arguments", len(args))
}
