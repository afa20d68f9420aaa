package adapter

import (
	"flag"
	"fmt"
	"io"
	"strings"
)

// Flag is a flag of the adapter.
type Flag struct {
	// Name is without dashes.
	Name string
	// Value is where it is kept. It is one of package pflag, too.
	Value Value
	// Usage is its help, with the name of its value in backquotes.
	Usage string

	only scope
}

// Value is that of a flag, by the methods of packages flag and pflag.
type Value interface {
	flag.Value
	Type() string
}

// scope is where a flag counts.
type scope int

const (
	always     scope = iota
	ofCGI            // for CGI programs
	ofWSGI           // for WSGI applications
	ofWarm           // for a listening socket
	ofWarmWSGI       // for both
)

// Flags are all flags, whose values are those of o, in the order in which they are written.
func (o *Options) Flags() []Flag {
	return []Flag{
		{"check", (*toggle)(&o.Check), "load the application without a request, and exit: with 1 and the reason when that fails", always},
		{"ask-reload", number{&o.AskReload, 0}, "have the adapter with that `PID` load its application again, and exit when it has: with 1 and the reason when that fails", always},
		{"version", (*toggle)(&o.Version), "print the version and exit", always},
		{"debug", (*toggle)(&o.Debug), "show tracebacks to the client: for development only", always},
		{"cache", (*text)(&o.Cache), "find cached code in `DIR`, and keep some there if this user may write to it (default $CACHE_DIRECTORY)", always},
		{"slots", (*text)(&o.Slots), "keep the slots of --concurrency in `DIR` (default $RUNTIME_DIRECTORY, else where cached code is)", always},
		{"allow-uid", (*uids)(&o.AllowUIDs), "answer 403 to peers on a unix socket other than root and the users `UID[,UID]`", always},
		{"allow-user", (*names)(&o.AllowUsers), "the same for users by `NAME[,NAME]`, looked up in /etc/passwd at each start", always},
		{"mount", (*path)(&o.Mount), "the application lives below `/PREFIX`, where the web server sends no SCRIPT_NAME", always},
		{"timeout", span{&o.Timeout, 0}, "end a request that takes longer than `TIME` with 504; 0 never does", always},
		{"send-timeout", span{&o.SendTimeout, 0}, "give up a response of which the web server takes nothing for `TIME`; 0 never does", always},
		{"queue-timeout", span{&o.QueueTimeout, 1}, "answer 503 to a request that has waited for `TIME`", always},
		{"max-header", size[int]{&o.Limits.HeaderBytes, 64, 128 << 10}, "refuse a request header of more than `SIZE`, up to 128K, with 431", always},
		{"max-headers", number{&o.Limits.Headers, 2}, "refuse more than `N` headers with 431", always},
		{"max-body", size[int64]{&o.Limits.BodyBytes, 0, mostBytes}, "refuse a request body of more than `SIZE` with 413; 0 leaves that to the web server", always},
		{"header-timeout", span{&o.Limits.HeaderTimeout, 1}, "`TIME` to receive the request header, then 408", always},
		{"body-timeout", span{&o.Limits.BodyTimeout, 1}, "`TIME` without progress of the request body, then 408", always},
		{"access-log", (*yesNo)(&o.AccessLog), "log each request, `yes or no`; what fails always is", always},
		{"backlog", number{&o.Backlog, 1}, "with Accept=no: hold at most `N` connections at once, others wait in the kernel", always},
		{"idle-exit", span{&o.IdleExit, 0}, "with Accept=no: exit after `TIME` without a request; 0 never does", ofWarm},
		{"workers", number{&o.Warm.Workers, 0}, "with Accept=no: keep `N` workers with the WSGI application (default one for each processor)", ofWarmWSGI},
		{"max-requests", number{&o.Warm.MaxRequests, 0}, "with Accept=no: replace a worker after `N` requests; 0 never does, 1 gives each request a fresh one", ofWarmWSGI},
		{"max-memory", size[int64]{&o.Warm.MaxMemory, 0, mostBytes}, "with Accept=no: replace a worker with `SIZE` in memory after a request; 0 never does", ofWarmWSGI},
		{"preload", (*yesNo)(&o.Warm.Preload), "with Accept=no: fork workers from a process that has the application loaded, `yes or no`", ofWarmWSGI},
		{"reload", (*toggle)(&o.Warm.Reload), "with Accept=no: load the application again when a file of a loaded module changes", ofWarmWSGI},
		{"warm-path", (*path)(&o.Warm.Path), "with Accept=no: request `PATH` of the application once it is loaded, before any client does", ofWarmWSGI},
		{"concurrency", number{&o.Concurrency, 0}, "run at most `N` requests at once, the others wait; 0 sets no limit", always},
		{"nph", (*toggle)(&o.CGI.NPH), "CGI programs send whole HTTP responses, as those called nph-... do", ofCGI},
		{"isindex", (*toggle)(&o.CGI.Index), "hand the words of a query without = to a CGI program as arguments", ofCGI},
		{"idle-timeout", span{&o.CGI.IdleTimeout, 0}, "end a CGI program that sends nothing for `TIME` with 504; 0 never does", ofCGI},
		{"max-response-head", size[int]{&o.CGI.HeadBytes, 0, 1 << 30}, "answer 502 to a larger head of a CGI program's response, `SIZE` (default 32K)", ofCGI},
		{"cgi-target", (*list)(&o.CGI.Targets), "let links below --cgi-root lead to programs below `DIR`, too; can be repeated", always},
		{"cgi-root", (*text)(&o.CGI.Root), "run the CGI program below `DIR` that the request names", always},
		{"python", (*text)(&o.Python), "run `PATH`, not the Python of the application's virtual environment or of PATH", ofWSGI},
		{"cgi", (*toggle)(&o.CGI.Program), "run a CGI program for each request", always},
	}
}

// FlagSet has all flags with their defaults, to be printed.
func FlagSet() *flag.FlagSet {
	o := Default()
	return flagSet(o.Flags())
}

func flagSet(flags []Flag) *flag.FlagSet {
	fs := flag.NewFlagSet(Program, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	for _, f := range flags {
		fs.Var(f.Value, f.Name, f.Usage)
	}
	return fs
}

// Parse reads a command line, without the program, and checks that nothing contradicts itself. With an
// error there are the values that were read before it; it is [flag.ErrHelp] where help is
// asked for.
func Parse(args []string) (Options, error) {
	o := Default()
	flags := o.Flags()
	fs := flagSet(flags)
	if err := fs.Parse(args); err != nil {
		return o, fmt.Errorf("%w: see %s --help", err, Program)
	}
	if fs.NArg() > 0 {
		o.Operands = fs.Args()
	}
	return o, o.validate(flags, fs)
}

// Read reads a command line as far as it can be understood, for those who don't run it: what
// systemd expands, such as ${N} in ExecStart=, may be a value that [Parse] refuses, and a flag may be
// of another version. Such a flag is left out, with a word behind it that can be its value.
func Read(args []string) Options {
	o := Default()
	fs := flagSet(o.Flags())
	for len(args) > 0 {
		word, isFlag := strings.CutPrefix(args[0], "-")
		if !isFlag || word == "" {
			o.Operands = args
			break
		}
		args = args[1:]
		if word == "-" {
			o.Operands = append(o.Operands, args...)
			break
		}
		name, value, given := strings.Cut(strings.TrimPrefix(word, "-"), "=")
		f := fs.Lookup(name)
		switch {
		case given:
		case f != nil && isSwitch(f):
			value = "true"
		case len(args) == 0, f == nil && (len(args) == 1 || strings.HasPrefix(args[0], "-")):
			continue
		default:
			value, args = args[0], args[1:]
		}
		if f != nil {
			_ = f.Value.Set(value)
		}
	}
	return o
}

func isSwitch(f *flag.Flag) bool {
	_, is := f.Value.(*toggle)
	return is
}

// Arguments are those that [Parse] makes the same values of: the flags that differ from
// [Default], and the operands.
func (o *Options) Arguments() (args []string) {
	defaults := FlagSet()
	for _, f := range o.Flags() {
		switch v := f.Value.(type) {
		case *list:
			for _, one := range *v {
				args = append(args, "--"+f.Name, one)
			}
		case *toggle:
			if *v {
				args = append(args, "--"+f.Name)
			}
		default:
			if s := v.String(); s != defaults.Lookup(f.Name).DefValue {
				args = append(args, "--"+f.Name, s)
			}
		}
	}
	if len(o.Operands) > 0 && strings.HasPrefix(o.Operands[0], "-") {
		args = append(args, "--")
	}
	return append(args, o.Operands...)
}

const usageHead = `usage: socketgi-adapter [flags] APP
       socketgi-adapter [flags] --cgi PROGRAM [ARGUMENT...]
       socketgi-adapter [flags] --cgi-root DIRECTORY

Serves the one SCGI request of the connection that systemd, inetd or xinetd
hands to it. APP is FILE.py, FILE.py:CALLABLE or package.module:CALLABLE;
CALLABLE() is a factory. PROGRAM is a CGI program; DIRECTORY has several, and the
URL says which. They are served from a listening socket (Accept=no), too.

flags:
`

// Help prints what the flags are.
func Help(w io.Writer) {
	_, _ = io.WriteString(w, usageHead)
	fs := FlagSet()
	fs.SetOutput(w)
	fs.PrintDefaults()
}
