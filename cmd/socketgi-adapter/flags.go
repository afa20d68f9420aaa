package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi"
	"github.com/socketgi/socketgi/scgi/cgi"
	"github.com/socketgi/socketgi/scgi/gateway"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// config is what the command line says.
type config struct {
	app          wsgi.App
	python       string
	findsPython  bool        // nobody has named it
	passed       []string    // virtual environments that are not used, and why
	cgi          *cgi.Config // nil: a WSGI application
	mount        string
	timeout      time.Duration
	sendTimeout  time.Duration
	limits       scgi.Limits
	cacheDir     string
	slotsDir     string
	concurrency  int
	queueTimeout time.Duration
	idleExit     time.Duration
	backlog      int
	warm         warmConfig
	quiet        bool // no records of requests that went well
	peers        gateway.Peers
	debug        bool
	check        bool
	askReload    int // the process id of another adapter
	version      bool
}

// warmConfig is what the command line says of warm workers.
type warmConfig struct {
	workers     int    // how many
	maxRequests int    // after how many a worker is replaced, 0: never
	maxMemory   int64  // with how many bytes resident it is, 0: any
	preload     bool   // they are forked from a process that has the application
	reload      bool   // load the application again when a file of it changes
	warmPath    string // what it is asked for before anybody else does
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

// parseFlags reads the command line; what it asks to print goes to out.
func parseFlags(args []string, out io.Writer) (*config, error) {
	c := &config{limits: scgi.Limits{
		HeaderBytes:   scgi.DefaultHeaderBytes,
		Headers:       scgi.DefaultHeaders,
		HeaderTimeout: scgi.DefaultHeaderTimeout,
		BodyTimeout:   scgi.DefaultBodyTimeout,
	}}
	fs := flag.NewFlagSet("socketgi-adapter", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.StringVar(&c.python, "python", "", "run `PATH`, not the Python of the application's virtual environment or of PATH")
	fs.StringVar(&c.mount, "mount", "", "the application lives below `PREFIX`, where the web server sends no SCRIPT_NAME")
	fs.DurationVar(&c.timeout, "timeout", 60*time.Second, "end a request that takes longer with 504; 0 never does")
	fs.DurationVar(&c.sendTimeout, "send-timeout", 10*time.Second, "give a response up of which the web server takes nothing for so long; 0 never does")
	sizeVar(fs, (*int64)(nil), &c.limits.HeaderBytes, "max-header", "refuse a request header of more than `SIZE`, up to 128K, with 431 (default 64K)")
	fs.IntVar(&c.limits.Headers, "max-headers", c.limits.Headers, "refuse more than `N` headers with 431")
	sizeVar(fs, &c.limits.BodyBytes, nil, "max-body", "refuse a request body of more than `SIZE` with 413; 0 leaves that to the web server")
	fs.DurationVar(&c.limits.HeaderTimeout, "header-timeout", c.limits.HeaderTimeout, "time to receive the request header, then 408")
	fs.DurationVar(&c.limits.BodyTimeout, "body-timeout", c.limits.BodyTimeout, "time without progress of the request body, then 408")
	fs.StringVar(&c.cacheDir, "cache", os.Getenv("CACHE_DIRECTORY"), "find cached code in `DIR`, and keep some there if this user may write to it")
	fs.StringVar(&c.slotsDir, "slots", os.Getenv("RUNTIME_DIRECTORY"), "keep the slots of --concurrency in `DIR` (default: where cached code is)")
	fs.IntVar(&c.concurrency, "concurrency", 0, "run at most `N` applications at once, the others wait; 0 sets no limit")
	fs.DurationVar(&c.queueTimeout, "queue-timeout", 30*time.Second, "answer 503 to a request that has waited so long")
	program := fs.Bool("cgi", false, "run a CGI program for each request")
	var g cgi.Config
	fs.StringVar(&g.Root, "cgi-root", "", "run the CGI program below `DIR` that the request names")
	fs.Func("cgi-target", "let links below --cgi-root lead to programs below `DIR`, too; may be given again", func(s string) error {
		g.Targets = append(g.Targets, s)
		return nil
	})
	fs.BoolVar(&g.NPH, "nph", false, "CGI programs send whole HTTP responses, as those called nph-... do")
	fs.BoolVar(&g.Index, "isindex", false, "hand the words of a query without = to a CGI program as arguments")
	fs.DurationVar(&g.Limits.IdleTimeout, "idle-timeout", 0, "end a CGI program that sends nothing for so long with 504; 0 never does")
	sizeVar(fs, nil, &g.Limits.HeadBytes, "max-response-head", "answer 502 to a larger head of a CGI program's response, `SIZE` (default 32K)")
	fs.DurationVar(&c.idleExit, "idle-exit", 5*time.Minute, "handed a listening socket: exit when nothing was asked for so long; 0 never does")
	fs.IntVar(&c.backlog, "backlog", 1024, "handed a listening socket: hold at most `N` connections at once, others wait in the kernel")
	fs.IntVar(&c.warm.workers, "workers", runtime.NumCPU(), "handed a listening socket: keep `N` processes with the WSGI application")
	fs.Lookup("workers").DefValue = "one for each processor" // in words, because the manual is for all machines
	fs.IntVar(&c.warm.maxRequests, "max-requests", 0, "replace such a process after `N` requests; 0 never does, 1 gives each request a fresh one")
	sizeVar(fs, &c.warm.maxMemory, nil, "max-memory", "replace such a process when it has `SIZE` in memory after a request; 0 never does")
	c.warm.preload = true
	yesNoVar(fs, &c.warm.preload, "preload", "fork such processes from one that has the application loaded: `yes or no` (default yes)")
	fs.BoolVar(&c.warm.reload, "reload", false, "load the application again when a file of a module that it has loaded changes")
	fs.StringVar(&c.warm.warmPath, "warm-path", "", "ask the application for `PATH` when it is loaded, before anybody else does")
	accessLog := true
	yesNoVar(fs, &accessLog, "access-log", "log each request: `yes or no` (default yes); what fails always is")
	var uids, users gateway.Peers
	fs.Func("allow-uid", "answer 403 to who connects by a unix socket, unless it is root or one of the users `UID[,UID]`", func(s string) (err error) {
		uids, err = parseUIDs(s)
		return err
	})
	fs.Func("allow-user", "the same for users by `NAME[,NAME]`, which are looked up in /etc/passwd at each start", func(s string) (err error) {
		users, err = parseUsers(s, "/etc/passwd")
		return err
	})
	fs.BoolVar(&c.debug, "debug", false, "show tracebacks to the client: for development only")
	fs.BoolVar(&c.check, "check", false, "load the application without a request, and exit: with 1 and the reason when that fails")
	fs.IntVar(&c.askReload, "ask-reload", 0, "have the adapter with that `PID` load its application again, and exit when it has: with 1 and the reason when that fails")
	fs.BoolVar(&c.version, "version", false, "print the version and exit")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(out, usageHead)
			fs.SetOutput(out)
			fs.PrintDefaults()
		}
		return c, fmt.Errorf("%w: see socketgi-adapter --help", err)
	}
	c.peers = append(uids, users...)
	if c.version || c.askReload != 0 {
		return c, nil
	}
	c.quiet = !accessLog
	app := ""
	switch {
	case g.Root == "" && len(g.Targets) > 0:
		return c, errors.New("--cgi-target is for links below --cgi-root: say that, too")
	case *program && fs.NArg() == 0:
		return c, errors.New("--cgi: which program? socketgi-adapter [flags] --cgi PROGRAM [ARGUMENT...]")
	case *program:
		g.Program, g.Args, c.cgi = fs.Arg(0), fs.Args()[1:], &g
	case g.Root != "" && fs.NArg() > 0:
		return c, fmt.Errorf("--cgi-root takes a directory and nothing else, and %q stands behind it", fs.Arg(0))
	case g.Root != "":
		c.cgi = &g
	case g.NPH || g.Index || g.Limits.IdleTimeout != 0 || g.Limits.HeadBytes != 0:
		return c, errors.New("--nph, --isindex, --idle-timeout and --max-response-head are for CGI programs: say --cgi or --cgi-root, too")
	case fs.NArg() != 1:
		return c, fmt.Errorf("one application is to be named, not %d: socketgi-adapter [flags] APP", fs.NArg())
	default:
		app = fs.Arg(0)
	}
	for _, dir := range []*string{&c.cacheDir, &c.slotsDir} {
		// CacheDirectory= and RuntimeDirectory= may have several: the first is ours.
		*dir, _, _ = strings.Cut(*dir, ":")
		if *dir != "" { // an application may change its working directory
			var err error
			if *dir, err = filepath.Abs(*dir); err != nil {
				return c, err
			}
		}
	}
	if c.slotsDir == "" {
		c.slotsDir = c.cacheDir
	}
	return c, c.resolve(app)
}

func (c *config) resolve(app string) (err error) {
	if c.mount = strings.TrimRight(c.mount, "/"); c.mount != "" && c.mount[0] != '/' {
		return fmt.Errorf("--mount %s: a prefix begins with a slash", c.mount)
	}
	switch {
	case c.limits.HeaderBytes < 64 || c.limits.HeaderBytes > 128<<10:
		return errors.New("--max-header: between 64 bytes and 128K is possible")
	case c.limits.Headers < 2:
		return errors.New("--max-headers: a request has at least two")
	case c.limits.HeaderTimeout <= 0 || c.limits.BodyTimeout <= 0 || c.queueTimeout <= 0 || c.timeout < 0 || c.sendTimeout < 0 || c.idleExit < 0 ||
		c.cgi != nil && c.cgi.Limits.IdleTimeout < 0:
		return errors.New("a timeout is longer than nothing; only --timeout, --send-timeout, --idle-timeout and --idle-exit may be 0")
	case c.warm.workers < 1 || c.warm.maxRequests < 0 || c.backlog < 1:
		return errors.New("--workers and --backlog are at least 1, and --max-requests at least 0")
	case c.warm.warmPath != "" && c.warm.warmPath[0] != '/':
		return fmt.Errorf("--warm-path %s: a path begins with a slash", c.warm.warmPath)
	case c.concurrency < 0:
		return errors.New("--concurrency: 0 sets no limit, and less is not possible")
	}
	if c.cgi != nil {
		c.cgi.Limits.Timeout, c.cgi.Limits.SendTimeout = c.timeout, c.sendTimeout
		return c.cgi.Resolve()
	}
	if c.app, err = wsgi.ParseApp(app); err != nil {
		return err
	}
	if c.findsPython = c.python == ""; c.findsPython {
		var found wsgi.Python
		found, err = wsgi.FindPython(c.app)
		c.python, c.passed = found.Path, found.Passed
	}
	return err
}

// checkSingle checks what matters only for single connections.
func (c *config) checkSingle() error {
	if c.concurrency > 0 && c.slotsDir == "" {
		return errors.New("--concurrency needs a directory for its slots: RuntimeDirectory= in the unit, or --slots DIR")
	}
	return nil
}

// yesNoVar defines a flag with the words of systemd for a boolean.
func yesNoVar(fs *flag.FlagSet, b *bool, name, usage string) {
	fs.Func(name, usage, func(s string) error {
		switch s {
		case "yes", "no":
			*b = s == "yes"
			return nil
		}
		return fmt.Errorf("%q: yes or no", s)
	})
}

// sizeVar defines a flag for a number of bytes, with K, M, G as systemd reads
// them: powers of 1024.
func sizeVar(fs *flag.FlagSet, big *int64, small *int, name, usage string) {
	fs.Func(name, usage, func(s string) error {
		n, err := parseSize(s)
		if err != nil {
			return err
		}
		if big != nil {
			*big = n
		} else {
			*small = int(n)
		}
		return nil
	})
}

func parseSize(s string) (int64, error) {
	digits, shift := s, 0
	if s != "" {
		if i := strings.IndexByte("KMGT", s[len(s)-1]); i >= 0 {
			digits, shift = s[:len(s)-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<62)>>shift {
		return 0, fmt.Errorf("%q is not a size: write bytes, or 64K, 10M, 1G", s)
	}
	return n << shift, nil
}
