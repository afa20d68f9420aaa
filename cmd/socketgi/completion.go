package main

import (
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/spf13/cobra"
)

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion bash | completion zsh | completion fish",
		Short: "Print what completes command lines in a shell",
		Long: `Print a script that has a shell complete commands, flags and names of applications.
Packages install it; it is loaded by hand as the examples show.`,
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

// completeNames completes the name of an application; what follows it is no file.
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

// completeNamesAt is for commands that know where by the time they are run.
func completeNamesAt(h *host.Host) cobra.CompletionFunc {
	return completeNames(func() (host.Host, error) { return *h, nil })
}
