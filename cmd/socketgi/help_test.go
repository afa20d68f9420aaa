package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestHelpFits checks that the help of every command fits 80 columns.
func TestHelpFits(t *testing.T) {
	var visit func(c *cobra.Command, args []string)
	visit = func(c *cobra.Command, args []string) {
		for _, sub := range c.Commands() {
			if sub.Name() != "help" {
				visit(sub, append(args[:len(args):len(args)], sub.Name()))
			}
		}
		var out strings.Builder
		root := newCommand()
		root.SetOut(&out)
		root.SetArgs(append(args, "--help"))
		require.NoError(t, root.Execute())
		assert.Contains(t, out.String(), "Usage:\n  socketgi", args)
		for line := range strings.Lines(out.String()) {
			assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimRight(line, "\n")), 80, "%v: %s", args, line)
		}
	}
	visit(newCommand(), nil)
}
