package main

import (
	"fmt"
	"io"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/application"
	"github.com/spf13/cobra"
)

const appHelp = `APP is FILE.py, FILE.py:CALLABLE or package.module:CALLABLE; CALLABLE() is a
factory. Without a callable the names application, app, create_app and make_app
are looked for, and a file that uses inetd_scgi.run_app is run as a script.

With --cgi a CGI program runs for each request; its arguments stand behind it.
With --cgi-root the program below that directory which the URL names.`

// appFlags say what kind of application is served.
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
	f := cmd.Flags()
	f.StringVar(&a.Python, "python", "", "`PATH` of the Python to run (default: the application's virtual environment, else python3)")
	f.BoolVar(&a.CGI, "cgi", false, "run a CGI program for each request")
	f.StringVar(&a.CGIRoot, "cgi-root", "", "run the CGI program below `DIR` that the URL names")
	f.StringArrayVar(&a.CGITargets, "cgi-target", nil, "let links below --cgi-root lead to programs below `DIR`, too; may be given again")
	f.BoolVar(&a.NPH, "nph", false, "the CGI programs send whole HTTP responses, as those called nph-... do")
	f.BoolVar(&a.IsIndex, "isindex", false, "hand the words of a query without = to CGI programs as arguments")
	f.DurationVar(&a.IdleTimeout, "idle-timeout", 0, "end a CGI program that sends nothing for so long with 504; 0 never does")
}

// words checks the arguments behind those named before.
func (a *appFlags) words(before ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		names := append(before, "APP")
		switch {
		case a.CGI:
			names = append(before, "PROGRAM", "...")
		case a.CGIRoot != "" && len(before) == 0:
			return cobra.NoArgs(cmd, args)
		case a.CGIRoot != "":
			names = before
		}
		return words(names...)(cmd, args)
	}
}
