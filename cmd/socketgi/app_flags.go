package main

import (
	"fmt"
	"io"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/application"
	"github.com/spf13/cobra"
)

const appHelp = `APP is FILE.py, FILE.py:CALLABLE or package.module:CALLABLE; CALLABLE() is a
factory. Without CALLABLE, the names application, app, create_app and make_app
are tried, and a file that uses inetd_scgi.run_app runs as a script.

With --cgi, PROGRAM with its arguments runs for each request; with --cgi-root,
the CGI program below DIR that the URL names.`

// appFlags are the flags for the kind of application.
type appFlags struct {
	application.Spec
	warnings []string
}

func (a *appFlags) warn(w io.Writer) {
	for _, text := range a.warnings {
		fmt.Fprintln(w, "socketgi: warning: "+text)
	}
}

func (a *appFlags) define(cmd *cobra.Command) {
	a.Adapter = adapter.Default()
	share(cmd.Flags(), &a.Adapter, "python", "interface", "cgi", "cgi-root", "cgi-target", "nph", "isindex", "idle-timeout")
	_ = cmd.RegisterFlagCompletionFunc("interface", cobra.FixedCompletions(adapter.Interfaces, cobra.ShellCompDirectiveNoFileComp))
}

// words checks the arguments after those named before.
func (a *appFlags) words(before ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		names := append(before, "APP")
		switch {
		case a.Adapter.CGI.Root != "" && len(before) == 0:
			return cobra.NoArgs(cmd, args)
		case a.Adapter.CGI.Root != "":
			names = before
		case a.Adapter.CGI.Program:
			names = append(before, "PROGRAM", "...")
		}
		return words(names...)(cmd, args)
	}
}
