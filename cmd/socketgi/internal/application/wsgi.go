// Package application resolves the operator's APP on this machine: its files, its Python, and the values
// of the adapter's command line.
package application

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// Spec is the operator's description of an application.
type Spec struct {
	// Root is the directory of the system that will serve it.
	Root rootfs.Dir
	// Adapter are the operator's values for the adapter, without operands, with unresolved paths.
	Adapter adapter.Options
	Accept  adapter.Accept
}

// Resolved is a resolved application.
type Resolved struct {
	// Label is the operator's name of it.
	Label string
	// Adapter are the values for the adapter, with the paths of the system that will serve it.
	Adapter adapter.Options
	// Dir is its working directory.
	Dir string
	// Files must be readable for its user; Folders are further directories that it uses.
	Files, Folders []string
	// Trees are directories of programs, any of which may be run.
	Trees []string
	// PWD is the name of its working directory, if the adapter can't know it otherwise.
	PWD string
	// Refused are files that will not be served, Passed virtual environments that are not used, and Slow
	// causes of slow starts, each with the reason.
	Refused, Passed, Slow []string
}

// Resolve resolves the application on this machine.
func (s *Spec) Resolve(args []string) (*Resolved, error) {
	given := s.Adapter
	given.Operands = args
	if err := given.ValidateFor(s.Accept); err != nil {
		return nil, err
	}
	r := &Resolved{Adapter: given}
	switch {
	case given.CGI.Root != "":
		return r, s.resolveTree(r)
	case given.CGI.Program:
		return r, s.resolveProgram(r)
	}
	return r, s.resolveWSGI(r)
}

func (s *Spec) resolveWSGI(r *Resolved) error {
	r.Label = r.Adapter.Operands[0]
	app, err := s.parse(r.Label)
	if err != nil {
		return err
	}
	folders, err := s.interpreter(app, r)
	if err != nil {
		return err
	}
	word := app.Module
	if app.File != "" {
		if word, err = s.Root.Inside(app.File); err != nil {
			return err
		}
		r.Dir = filepath.Dir(word)
		if app.Folder != "" { // as for the package.module that it is
			if r.Dir, err = s.Root.Inside(app.Folder + "/"); err != nil {
				return err
			}
		}
	} else if r.Dir, err = os.Getwd(); err != nil {
		return err
	} else if r.Dir, err = s.Root.Inside(r.Dir + "/"); err != nil {
		return err
	}
	r.Dir = filepath.Clean(r.Dir)
	if real, err := filepath.EvalSymlinks(r.Dir); app.File == "" && s.Root == "" && err == nil && real != r.Dir {
		r.PWD = r.Dir
	}
	r.Files, r.Folders = []string{word, r.Adapter.Python}, folders
	if app.File == "" {
		r.Files = r.Files[1:]
	}
	if app.Callable != "" {
		word += ":" + app.Callable
	}
	r.Adapter.Operands = []string{word}
	return nil
}

// parse parses APP. In another system it follows links of that system, and keeps the operator's name.
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
