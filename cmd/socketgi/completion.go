package main

import (
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/spf13/cobra"
)

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash | completion zsh | completion fish",
		Short: "Print a completion script for a shell",
		Long: `Print a script with which a shell completes commands, flags and names of
applications. Packages of socketgi install it. The examples load it by hand.`,
		Example: "  source <(socketgi completion bash)\n  source <(socketgi completion zsh)\n" +
			"  socketgi completion fish | source",
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args:      cobra.MatchAll(words("SHELL"), cobra.OnlyValidArgs),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch out := cmd.OutOrStdout(); args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(out, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(out)
			default:
				return cmd.Root().GenFishCompletion(out, true)
			}
		},
	}
}

// completeNames completes the name of an application, and no files after it.
func completeNames(where func() (host.Host, error)) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
		h, err := where()
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		apps, _ := h.List()
		for _, a := range apps {
			names = append(names, cobra.CompletionWithDesc(a.Name, plain.Line(a.What)))
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeNamesAt is [completeNames] for a host that flags set before it runs.
func completeNamesAt(h *host.Host) cobra.CompletionFunc {
	return completeNames(func() (host.Host, error) { return *h, nil })
}
