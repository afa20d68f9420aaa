package compose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/application"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/inetd"
)

// Imported fills in how the adapter at that path runs what an SCGI line of inetd ran. Spec tells
// which Python runs a script; a CGI program need not be there.
func Imported(o *units.Options, p inetd.Program, spec application.Spec, path string) (notes, warnings []string, err error) {
	u := appunits.Options{Options: *o}
	if p.CGI != nil {
		values := adapter.Default()
		values.Concurrency, values.CGI.Program, values.Operands = p.Max, true, p.CGI
		u.Exec, u.App, u.Adapter = []string{path}, strings.Join(p.CGI, " "), &values
	} else {
		spec.Accept, spec.Adapter.Concurrency = adapter.AcceptYes, p.Max
		app, err := spec.Resolve([]string{p.Script})
		if err != nil {
			return nil, nil, err
		}
		warnings = slices.Concat(app.Slow, app.Passed, Serve(&u, app, path, spec.Root))
	}
	if p.Max > 0 {
		notes = append(notes, fmt.Sprintf("--concurrency %d limits requests, too, and further ones wait if you raise MaxConnections=", p.Max))
	}
	notes = append(notes, fmt.Sprintf("runs as an application of socketgi-adapter: a request is ended after %.0f s (--timeout)", adapter.DefaultTimeout.Seconds()))
	*o, err = u.Units()
	return notes, warnings, err
}
