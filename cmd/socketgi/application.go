package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/socketgi/socketgi/scgi/wsgi"
	"github.com/spf13/cobra"
)

const appHelp = `APP is FILE.py, FILE.py:CALLABLE or package.module:CALLABLE; CALLABLE() is a
factory. Without a callable the names application, app, create_app and make_app
are looked for, and a file that uses inetd_scgi.run_app is run as a script.

With --cgi a CGI program runs for each request; its arguments stand behind it.
With --cgi-root the program below that directory which the URL names.`

// appFlags say what kind of application is served.
type appFlags struct {
	python      string
	cgi         bool
	cgiRoot     string
	cgiTargets  []string
	nph         bool
	isindex     bool
	idleTimeout time.Duration
	root        rootDir
	warnings    []string
	runs        string   // the Python that was found or named
	passed      []string // virtual environments that are not used, and why
}

func (a *appFlags) warn(w io.Writer) {
	for _, text := range a.warnings {
		fmt.Fprintln(w, "socketgi: warning: "+text)
	}
}

func (a *appFlags) define(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.python, "python", "", "`PATH` of the Python to run (default: the application's virtual environment, else python3)")
	f.BoolVar(&a.cgi, "cgi", false, "run a CGI program for each request")
	f.StringVar(&a.cgiRoot, "cgi-root", "", "run the CGI program below `DIR` that the URL names")
	f.StringArrayVar(&a.cgiTargets, "cgi-target", nil, "let links below --cgi-root lead to programs below `DIR`, too; may be given again")
	f.BoolVar(&a.nph, "nph", false, "the CGI programs send whole HTTP responses, as those called nph-... do")
	f.BoolVar(&a.isindex, "isindex", false, "hand the words of a query without = to CGI programs as arguments")
	f.DurationVar(&a.idleTimeout, "idle-timeout", 0, "end a CGI program that sends nothing for so long with 504; 0 never does")
}

// words checks the arguments behind those named before.
func (a *appFlags) words(before ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		names := append(before, "APP")
		switch {
		case a.cgi:
			names = append(before, "PROGRAM", "...")
		case a.cgiRoot != "" && len(before) == 0:
			return cobra.NoArgs(cmd, args)
		case a.cgiRoot != "":
			names = before
		}
		return words(names...)(cmd, args)
	}
}

// application is what the adapter is to serve.
type application struct {
	label   string   // what the operator called it
	words   []string // for the adapter's command line
	dir     string   // where it runs
	files   []string // what its user has to get at
	folders []string // what else it is made of
	trees   []string // directories of programs, any of which may be run
	python  bool     // it is a WSGI application
	pwd     string   // where it runs, if nothing else tells the adapter the name of that
	refused []string // what will not be served, and why
}

// resolve finds out on this machine what is to be served.
func (a *appFlags) resolve(args []string) (*application, error) {
	if a.cgiRoot == "" && len(a.cgiTargets) > 0 {
		return nil, errors.New("--cgi-target is for links below --cgi-root: say that, too")
	}
	if a.cgi || a.cgiRoot != "" {
		return a.resolveCGI(args)
	}
	if a.nph || a.isindex || a.idleTimeout != 0 {
		return nil, errors.New("--nph, --isindex and --idle-timeout are for CGI programs: say --cgi or --cgi-root, too")
	}
	app, err := a.parse(args[0])
	if err != nil {
		return nil, err
	}
	python, folders, err := a.interpreter(app)
	if err != nil {
		return nil, err
	}
	a.runs = python
	r := &application{python: true, label: args[0]}
	word := app.Module
	if app.File != "" {
		if word, err = a.root.inside(app.File); err != nil {
			return nil, err
		}
		r.dir = filepath.Dir(word)
		if app.Folder != "" { // as for the package.module that it is
			if r.dir, err = a.root.inside(app.Folder + "/"); err != nil {
				return nil, err
			}
		}
	} else if r.dir, err = os.Getwd(); err != nil {
		return nil, err
	} else if r.dir, err = a.root.inside(r.dir + "/"); err != nil {
		return nil, err
	}
	r.dir = filepath.Clean(r.dir)
	if real, err := filepath.EvalSymlinks(r.dir); app.File == "" && a.root == "" && err == nil && real != r.dir {
		r.pwd = r.dir
	}
	r.files, r.folders = []string{word, python}, folders
	if app.File == "" {
		r.files = r.files[1:]
	}
	if app.Callable != "" {
		word += ":" + app.Callable
	}
	r.words = []string{"--python", python, word}
	return r, nil
}

// parse reads what the operator calls the application. In another system its file is
// looked for as that has its links, and called as the operator does.
func (a *appFlags) parse(name string) (wsgi.App, error) {
	file, callable := name, ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		file, callable = name[:i], name[i:]
	}
	if a.root == "" || !strings.Contains(file, "/") && !strings.HasSuffix(file, ".py") {
		return wsgi.ParseApp(name)
	}
	file, err := a.root.outside(file)
	if err != nil {
		return wsgi.App{}, err
	}
	real, err := a.root.real(file)
	if err != nil {
		return wsgi.App{}, err
	}
	app, err := wsgi.ParseApp(real + callable)
	app.File = file
	return app, err
}
