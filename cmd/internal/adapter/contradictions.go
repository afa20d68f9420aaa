package adapter

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
)

// validate tells what contradicts itself. Ranges are checked by the flags, and what depends on
// the machine by what uses the values. It is given the flags of o, and those with the defaults:
// each start of the adapter pays for making them.
func (o *Options) validate(flags []Flag, defaults *flag.FlagSet) error {
	if o.Version || o.AskReload != 0 {
		return nil
	}
	switch {
	case o.CGI.Program && o.CGI.Root != "":
		return errors.New("--cgi and --cgi-root exclude each other: either one program is served or a directory of them")
	case o.CGI.Root == "" && len(o.CGI.Targets) > 0:
		return errors.New("--cgi-target is for links below --cgi-root: use that, too")
	case o.CGI.Program && len(o.Operands) == 0:
		return errors.New("--cgi: which program? socketgi-adapter [flags] --cgi PROGRAM [ARGUMENT...]")
	case o.CGI.Root != "" && len(o.Operands) > 0:
		return fmt.Errorf("--cgi-root takes a directory and nothing else, and %q stands behind it", o.Operands[0])
	case !o.WSGI():
		return nil
	}
	if err := only(flags, defaults, "are for CGI programs: use --cgi or --cgi-root, too", ofCGI); err != nil {
		return err
	}
	if len(o.Operands) != 1 {
		return fmt.Errorf("expected one APP, got %d: socketgi-adapter [flags] APP", len(o.Operands))
	}
	return nil
}

// Accept is who accepts connections (Accept= in systemd.socket(5)).
type Accept int

// With AcceptYes it is systemd, and there is an adapter for each connection; with AcceptNo it
// is the adapter.
const (
	AcceptYes Accept = iota
	AcceptNo
)

// ValidateFor tells what contradicts itself on a command line that is to be written: flags
// without effect are refused, too, which the adapter doesn't mind.
func (o *Options) ValidateFor(a Accept) error {
	flags, defaults := o.Flags(), FlagSet()
	if err := o.validate(flags, defaults); err != nil {
		return err
	}
	if a == AcceptYes {
		if err := only(flags, defaults, "are for warm applications: use --accept no, too", ofWarm, ofWarmWSGI); err != nil {
			return err
		}
	}
	if !o.WSGI() {
		return only(flags, defaults, "are for WSGI applications: a CGI program is started for each request", ofWSGI, ofWarmWSGI)
	}
	return nil
}

// only refuses flags of these scopes, and says why.
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
		return errors.New(given[0] + " " + strings.Replace(why, "are ", "is ", 1))
	default:
		return errors.New(strings.Join(given[:n-1], ", ") + " and " + given[n-1] + " " + why)
	}
}
