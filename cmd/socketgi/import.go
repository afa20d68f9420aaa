package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/compose"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/file"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/inetd"
	"github.com/spf13/cobra"
)

func newImport() *cobra.Command {
	var a adapterFlags
	a.Adapter = adapter.Default()
	var services string
	var systemd systemdFlag
	cmd := &cobra.Command{
		Use:   "import FILE...",
		Short: "Print units for services of inetd or xinetd",
		Long: `Print a socket unit and a service unit for each service in inetd.conf or in
files of xinetd, each after a comment with its path; - is standard input. Notes
in the units and on standard error list the differences between inetd and
systemd.

A plain service becomes inetd-NAME.socket. A line that runs scgi_run, or a
Python script with inetd_scgi, becomes an application of socketgi-adapter; the
script is read now.`,
		Example: "  socketgi import /etc/inetd.conf\n  socketgi import /etc/xinetd.conf /etc/xinetd.d/*",
		Args:    words("FILE", "..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			im := &inetd.Importer{Script: readScript, Application: a.imported, SystemdVersion: systemd.version(host.Host{})}
			text, err := os.ReadFile(services)
			if err != nil {
				return err
			}
			im.Services = string(text)
			failed := 0
			for _, file := range args {
				n, err := importFile(cmd, im, file)
				if err != nil {
					fmt.Fprintln(cmd.ErrOrStderr(), failure.Text(err))
					n = 1
				}
				failed += n
			}
			if failed > 0 {
				return fmt.Errorf("%d mistakes, see above: there are no units for these lines", failed)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&a.program, "adapter", "", "`PATH` of socketgi-adapter on the machine that runs the units")
	f.StringVar(&a.Adapter.Python, "python", "", "run scripts with the Python at `PATH` (default that of their virtual environment, else python3)")
	systemd.define(f)
	f.StringVar(&services, "services", "/etc/services", "`FILE` with the ports of named services")
	return cmd
}

// importFile prints the units for a file, and returns the number of entries with mistakes.
func importFile(cmd *cobra.Command, im *inetd.Importer, name string) (failed int, err error) {
	var text []byte
	if name == "-" {
		name = "standard input"
		text, err = io.ReadAll(cmd.InOrStdin())
	} else {
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return 0, err
	}
	pairs, notes := im.Import(string(text))
	out := terminal.Shown(cmd.OutOrStdout())
	for _, n := range notes {
		where := name
		if n.Line > 0 {
			where = fmt.Sprintf("%s:%d", name, n.Line)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", where, n.Text)
		if !n.InUnit {
			fmt.Fprintf(out, "# %s: %s\n", strings.ReplaceAll(where, "\n", "?"), n.Text)
		}
		if n.Failed {
			failed++
		}
	}
	for i, p := range pairs {
		if i > 0 {
			fmt.Fprintln(out)
		}
		printPair(out, "/etc/systemd/system", p)
	}
	return failed, nil
}

// readScript reads the beginning of a script.
func readScript(path string) (string, error) {
	text, err := file.ReadRegular(path, 1<<20)
	return string(text), err
}

// imported sets the command line of the adapter for an imported application.
func (a adapterFlags) imported(o *units.Options, p inetd.Program) (notes []string, err error) {
	path, err := a.path()
	if err != nil {
		return nil, err
	}
	notes, a.warnings, err = compose.Imported(o, p, a.Spec, path)
	a.warn(plain.NewWriter(os.Stderr))
	return notes, err
}
