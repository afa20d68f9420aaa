package adapter

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// validate refuses flags that contradict each other; each flag checks its own range. Callers pass the
// flags of o and the defaults, since each start of the adapter pays for making them.
func (o *Options) validate(flags []Flag, defaults *flag.FlagSet) error {
	if o.Version || o.AskReload != 0 {
		return nil
	}
	switch {
	case o.CGI.Program && o.CGI.Root != "":
		return errors.New("--cgi and --cgi-root exclude each other")
	case o.CGI.Root == "" && len(o.CGI.Targets) > 0:
		return errors.New("--cgi-target needs --cgi-root")
	case o.CGI.Program && len(o.Operands) == 0:
		return errors.New("--cgi: missing argument: PROGRAM")
	case o.CGI.Root != "" && len(o.Operands) > 0:
		return fmt.Errorf("--cgi-root takes DIR only, got %q as well", o.Operands[0])
	case !o.WSGI():
		return nil
	}
	if err := only(flags, defaults, "need a CGI program: use --cgi or --cgi-root, too", ofCGI); err != nil {
		return err
	}
	if len(o.Operands) != 1 {
		return fmt.Errorf("expected one APP, got %d", len(o.Operands))
	}
	return nil
}

// Accept is Accept= of the socket unit (systemd.socket(5)).
type Accept int

// With AcceptYes systemd accepts connections and starts an adapter for each; with AcceptNo the
// adapter accepts them.
const (
	AcceptYes Accept = iota
	AcceptNo
)

// ValidateFor refuses contradictions on a command line that is to be written to a unit. Unlike the
// adapter, it refuses flags without effect, too.
func (o *Options) ValidateFor(a Accept) error {
	flags, defaults := o.Flags(), FlagSet()
	if err := o.validate(flags, defaults); err != nil {
		return err
	}
	if a == AcceptYes {
		if err := only(flags, defaults, "need a warm application: use --accept no, too", ofWarm, ofWarmWSGI); err != nil {
			return err
		}
	}
	if !o.WSGI() {
		return only(flags, defaults, "need a WSGI or ASGI application: a CGI program is started for each request", ofWSGI, ofWarmWSGI, ofASGI)
	}
	if o.Interface == InterfaceWSGI {
		if err := only(flags, defaults, "need an ASGI application: omit --interface wsgi", ofASGI); err != nil {
			return err
		}
	}
	switch {
	case a == AcceptYes || o.Concurrency == 0:
		return nil
	case o.Warm.MaxRequests == 1:
		return errors.New("--concurrency has no effect with --max-requests 1: a process answers one request; use --workers")
	case o.Interface == InterfaceWSGI:
		return ErrOneAtOnce
	}
	return nil
}

// ErrOneAtOnce is the error for --concurrency of a warm WSGI application.
var ErrOneAtOnce = errors.New("--concurrency has no effect with --accept no: a worker of a WSGI application answers one request at a time; use --workers")

// only refuses flags of these scopes, for the reason why.
func only(flags []Flag, defaults *flag.FlagSet, why string, scopes ...scope) error {
	var given []string
	for _, f := range flags {
		if slices.Contains(scopes, f.only) && f.Value.String() != defaults.Lookup(f.Name).DefValue {
			given = append(given, "--"+f.Name)
		}
	}
	switch n := len(given); n {
	case 0:
		return nil
	case 1:
		return errors.New(given[0] + " " + strings.Replace(why, "need ", "needs ", 1))
	default:
		return errors.New(strings.Join(given[:n-1], ", ") + " and " + given[n-1] + " " + why)
	}
}
