package adapter

import (
	"flag"
	"io"
	"strings"
)

// Flag is a flag of the adapter.
type Flag struct {
	// Name is without dashes.
	Name string
	// Value stores it, for packages flag and pflag.
	Value Value
	// Usage is its help, with its metavariable in backquotes.
	Usage string

	only scope
}

// Value has the methods of a flag's value in packages flag and pflag.
type Value interface {
	flag.Value
	Type() string
}

// scope is the kind of application for which a flag has an effect.
type scope int

const (
	always     scope = iota
	ofCGI            // for CGI programs
	ofWSGI           // for Python applications, of WSGI or ASGI
	ofWarm           // for a listening socket
	ofWarmWSGI       // for both
	ofASGI           // for ASGI applications
)

// Flags returns all flags, bound to the values of o, in the order in which they are written.
func (o *Options) Flags() []Flag {
	return []Flag{
		{"check", (*toggle)(&o.Check), "load the application without a request, and exit; with status 1 and the reason if that fails", always},
		{"ask-reload", number{&o.AskReload, 0}, "make the adapter with this `PID` reload its application, wait, and exit; with status 1 and the reason if that fails", always},
		{"version", (*toggle)(&o.Version), "print the version and exit", always},
		{"debug", (*toggle)(&o.Debug), "show tracebacks to the client; for development only", always},
		{"cache", (*text)(&o.Cache), "read cached code from `DIR`, and write it there if this user may (default $CACHE_DIRECTORY)", always},
		{"slots", (*text)(&o.Slots), "keep the slots of --concurrency in `DIR` (default $RUNTIME_DIRECTORY, else the directory of cached code)", always},
		{"allow-uid", (*uids)(&o.AllowUIDs), "on a unix socket, answer 403 to all peers but root and the users `UID[,UID...]`", always},
		{"allow-user", (*names)(&o.AllowUsers), "as --allow-uid, for users by name, `USER[,USER...]`, looked up in /etc/passwd at each start", always},
		{"mount", (*path)(&o.Mount), "serve the application below `/PREFIX` if the web server sends no SCRIPT_NAME", always},
		{"timeout", span{&o.Timeout, 0}, "answer 504 to a request that takes longer than `DURATION`; 0 for no limit", always},
		{"send-timeout", span{&o.SendTimeout, 0}, "abort a response if the web server reads nothing for `DURATION`; 0 for no limit", always},
		{"queue-timeout", span{&o.QueueTimeout, 1}, "answer 503 to a request that has waited in the queue for `DURATION`", always},
		{"max-header", size[int]{&o.Limits.HeaderBytes, 64, 128 << 10}, "answer 431 to a request header larger than `SIZE`, which is at most 128K", always},
		{"max-headers", number{&o.Limits.Headers, 2}, "answer 431 to more than `N` headers", always},
		{"max-body", size[int64]{&o.Limits.BodyBytes, 0, mostBytes}, "answer 413 to a request body larger than `SIZE`; 0 for no limit", always},
		{"header-timeout", span{&o.Limits.HeaderTimeout, 1}, "answer 408 if the request header is not complete after `DURATION`", always},
		{"body-timeout", span{&o.Limits.BodyTimeout, 1}, "answer 408 if no byte of the request body arrives for `DURATION`", always},
		{"access-log", (*yesNo)(&o.AccessLog), "log every request, `yes|no`; failed requests are always logged", always},
		{"backlog", number{&o.Backlog, 1}, "with Accept=no: hold at most `N` connections; further ones wait in the kernel", always},
		{"idle-exit", span{&o.IdleExit, 0}, "with Accept=no: exit after `DURATION` without a request; 0 for never", ofWarm},
		{"workers", number{&o.Warm.Workers, 0}, "with Accept=no: run `N` workers of a WSGI or ASGI application (default one per processor)", ofWarmWSGI},
		{"max-requests", number{&o.Warm.MaxRequests, 0}, "with Accept=no: replace a worker after `N` requests; 1 for a fresh worker per request, 0 for never", ofWarmWSGI},
		{"max-memory", size[int64]{&o.Warm.MaxMemory, 0, mostBytes}, "with Accept=no: replace a worker whose memory exceeds `SIZE` after a request; 0 for never", ofWarmWSGI},
		{"preload", (*yesNo)(&o.Warm.Preload), "with Accept=no: fork workers from a process that has loaded the application, `yes|no`", ofWarmWSGI},
		{"reload", (*toggle)(&o.Warm.Reload), "with Accept=no: reload the application when a file of a loaded module changes", ofWarmWSGI},
		{"warm-path", (*path)(&o.Warm.Path), "with Accept=no: request `PATH` once after loading, before any client", ofWarmWSGI},
		{"concurrency", number{&o.Concurrency, 0}, "run at most `N` requests at once; further ones wait in the queue; 0 for no limit. With Accept=no, each worker of an ASGI application takes `N` at once; 0 for 100", always},
		{"nph", (*toggle)(&o.CGI.NPH), "pass the output of CGI programs on as a complete HTTP response, as for programs named nph-...", ofCGI},
		{"isindex", (*toggle)(&o.CGI.Index), "pass the words of a query without = to a CGI program as arguments", ofCGI},
		{"idle-timeout", span{&o.CGI.IdleTimeout, 0}, "end a CGI program that writes nothing for `DURATION`, with 504; 0 for no limit", ofCGI},
		{"max-response-head", size[int]{&o.CGI.HeadBytes, 0, 1 << 30}, "answer 502 if the header of a CGI program's response exceeds `SIZE` (default 32K)", ofCGI},
		{"cgi-target", (*list)(&o.CGI.Targets), "allow symbolic links below --cgi-root to programs below `DIR`; can be repeated", always},
		{"cgi-root", (*text)(&o.CGI.Root), "run the CGI program below `DIR` that the URL names", always},
		{"max-message", size[int64]{&o.MaxMessage, 0, mostBytes}, "close a WebSocket that receives a message larger than `SIZE`, with 1009; 0 for no limit", ofASGI},
		{"interface", choice{&o.Interface, Interfaces}, "call the application as `wsgi|asgi|auto`; auto detects the interface when the application is loaded", ofWSGI},
		{"python", (*text)(&o.Python), "run the application with the Python at `PATH` (default that of its virtual environment, else python3)", ofWSGI},
		{"cgi", (*toggle)(&o.CGI.Program), "run a CGI program for each request", always},
	}
}

// FlagSet returns all flags with their defaults.
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

// Parse reads a command line, without the program, and refuses flags that contradict each other.
// With an error it returns the values before the mistake. The error is [flag.ErrHelp] for --help.
func Parse(args []string) (Options, error) {
	o := Default()
	flags := o.Flags()
	fs := flagSet(flags)
	if err := fs.Parse(args); err != nil {
		return o, mistake(err)
	}
	if fs.NArg() > 0 {
		o.Operands = fs.Args()
	}
	return o, o.validate(flags, fs)
}

// Read reads a command line as far as possible, for programs that don't run it: [Parse] may refuse a
// value that systemd is still to expand, such as ${N} in ExecStart=, or a flag of another version.
// Such a flag is skipped, with the next word if that can be its value.
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

// Arguments is the inverse of [Parse]: the flags that differ from [Default], and the operands.
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
