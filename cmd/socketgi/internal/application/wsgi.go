// Package application finds out on this machine what the operator names as an application: its files,
// the Python that runs it, and the arguments with which the adapter serves it.
package application

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// Spec is how the operator says what kind of application it is.
type Spec struct {
	// Root is where the system is that is to serve it.
	Root rootfs.Dir
	// Python is the interpreter of a WSGI application, "" for the one that is found.
	Python string
	// CGI is for a CGI program, CGIRoot for those below a directory.
	CGI     bool
	CGIRoot string
	// CGITargets are directories to which links below CGIRoot may lead.
	CGITargets []string
	// NPH and IsIndex are about how CGI programs answer and are called (RFC 3875, 5 and 4.4).
	NPH, IsIndex bool
	// IdleTimeout ends a CGI program that sends nothing for so long; 0 never does.
	IdleTimeout time.Duration
}

// Application is what the adapter is to serve.
type Application struct {
	// Label is what the operator called it.
	Label string
	// Words are for the adapter's command line.
	Words []string
	// Dir is where it runs.
	Dir string
	// Files are what its user has to get at, Folders what else it is made of.
	Files, Folders []string
	// Trees are directories of programs, any of which may be run.
	Trees []string
	// WSGI is false for CGI programs. Interpreter is the Python that runs it.
	WSGI        bool
	Interpreter string
	// PWD is where it runs, if nothing else tells the adapter the name of that.
	PWD string
	// Refused is what will not be served, and why; Passed the virtual environments that are not
	// used, and why; Slow what makes each start slower than need be.
	Refused, Passed, Slow []string
}

// Resolve finds out on this machine what is to be served.
func (s *Spec) Resolve(args []string) (*Application, error) {
	if s.CGIRoot == "" && len(s.CGITargets) > 0 {
		return nil, errors.New("--cgi-target is for links below --cgi-root: say that, too")
	}
	if s.CGI || s.CGIRoot != "" {
		return s.resolveCGI(args)
	}
	if s.NPH || s.IsIndex || s.IdleTimeout != 0 {
		return nil, errors.New("--nph, --isindex and --idle-timeout are for CGI programs: say --cgi or --cgi-root, too")
	}
	app, err := s.parse(args[0])
	if err != nil {
		return nil, err
	}
	r := &Application{WSGI: true, Label: args[0]}
	folders, err := s.interpreter(app, r)
	if err != nil {
		return nil, err
	}
	word := app.Module
	if app.File != "" {
		if word, err = s.Root.Inside(app.File); err != nil {
			return nil, err
		}
		r.Dir = filepath.Dir(word)
		if app.Folder != "" { // as for the package.module that it is
			if r.Dir, err = s.Root.Inside(app.Folder + "/"); err != nil {
				return nil, err
			}
		}
	} else if r.Dir, err = os.Getwd(); err != nil {
		return nil, err
	} else if r.Dir, err = s.Root.Inside(r.Dir + "/"); err != nil {
		return nil, err
	}
	r.Dir = filepath.Clean(r.Dir)
	if real, err := filepath.EvalSymlinks(r.Dir); app.File == "" && s.Root == "" && err == nil && real != r.Dir {
		r.PWD = r.Dir
	}
	r.Files, r.Folders = []string{word, r.Interpreter}, folders
	if app.File == "" {
		r.Files = r.Files[1:]
	}
	if app.Callable != "" {
		word += ":" + app.Callable
	}
	r.Words = []string{"--python", r.Interpreter, word}
	return r, nil
}

// parse reads what the operator calls the application. In another system its file is
// looked for as that has its links, and called as the operator does.
func (s *Spec) parse(name string) (wsgi.App, error) {
	file, callable := name, ""
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		file, callable = name[:i], name[i:]
	}
	if s.Root == "" || !strings.Contains(file, "/") && !strings.HasSuffix(file, ".py") {
		return wsgi.ParseApp(name)
	}
	file, err := s.Root.Outside(file)
	if err != nil {
		return wsgi.App{}, err
	}
	real, err := s.Root.Real(file)
	if err != nil {
		return wsgi.App{}, err
	}
	app, err := wsgi.ParseApp(real + callable)
	app.File = file
	return app, err
}
