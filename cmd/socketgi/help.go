package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usage is cobra's template, with a line for each form of a command and flags in 80 columns.
const usage = `Usage:{{range usageForms .}}
  {{.}}{{end}}{{if .HasExample}}

Examples:
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsagesWrapped 80 | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" describes a command.{{end}}
`

// setHelp sets the layout of help, and the words of errors about flags.
func setHelp(root *cobra.Command) {
	unquoted(root)
	cobra.AddTemplateFunc("usageForms", usageForms)
	root.SetUsageTemplate(usage)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		text := err.Error()
		if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
			text = fmt.Sprintf("--%s %q: %s", invalid.GetFlag().Name, invalid.GetValue(), failure.Text(invalid.Unwrap()))
		}
		return errors.New(text + "; see " + cmd.CommandPath() + " --help")
	})
}

// unquoted puts the default of a text into its help: pflag would quote it.
func unquoted(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Value.Type() == "string" && f.DefValue != "" {
			f.Usage, f.DefValue = f.Usage+" (default "+f.DefValue+")", ""
		}
	})
	for _, sub := range cmd.Commands() {
		unquoted(sub)
	}
}

// usageForms are the forms of a command: Use separates them by "|".
func usageForms(cmd *cobra.Command) (forms []string) {
	if cmd.HasAvailableSubCommands() {
		return []string{cmd.CommandPath() + " COMMAND [flags]"}
	}
	for form := range strings.SplitSeq(cmd.Use, " | ") {
		name, args, _ := strings.Cut(form, " ")
		forms = append(forms, strings.TrimRight(cmd.Parent().CommandPath()+" "+name+" [flags] "+args, " "))
	}
	return forms
}

// duration defines a flag for a duration.
func duration(f *pflag.FlagSet, d *time.Duration, name, help string) {
	v := adapter.Duration(d)
	p := f.VarPF(v, name, "", help)
	p.DefValue = adapter.ShownDefault(v, p.DefValue)
	if strings.Contains(help, "(default") {
		p.DefValue = ""
	}
}
