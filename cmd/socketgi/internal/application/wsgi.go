// Package application finds out on this machine what the operator names as an application: its files,
// the Python that runs it, and the values with which the adapter serves it.
package application

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// Spec is how the operator says what kind of application it is.
type Spec struct {
	// Root is where the system is that is to serve it.
	Root rootfs.Dir
	// Adapter are the values that the operator gave for the adapter, without operands. Their paths are
	// the operator's.
	Adapter adapter.Options
	// Accept is who accepts connections.
	Accept adapter.Accept
}

// Application is what the adapter is to serve.
type Application struct {
	// Label is what the operator called it.
	Label string
	// Adapter are the values for the adapter, with the paths of the system that is to serve it.
	Adapter adapter.Options
	// Dir is where it runs.
	Dir string
	// Files are what its user has to get at, Folders what else it is made of.
	Files, Folders []string
	// Trees are directories of programs, any of which may be run.
	Trees []string
	// PWD is where it runs, if nothing else tells the adapter the name of that.
	PWD string
	// Refused is what will not be served, and why; Passed the virtual environments that are not
	// used, and why; Slow what makes each start slower than need be.
	Refused, Passed, Slow []string
}

// Resolve finds out on this machine what is to be served.
func (s *Spec) Resolve(args []string) (*Application, error) {
	given := s.Adapter
	given.Operands = args
	if err := given.ValidateFor(s.Accept); err != nil {
		return nil, err
	}
	r := &Application{Adapter: given}
	switch {
	case given.CGI.Root != "":
		return r, s.resolveTree(r)
	case given.CGI.Program:
		return r, s.resolveProgram(r)
	}
	return r, s.resolveWSGI(r)
}

func (s *Spec) resolveWSGI(r *Application) error {
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
