package application

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/program"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/python"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/scgi/wsgi"
)

// interpreter finds the interpreter of an application and returns the directories of its modules. It is
// inspected but not run, as its files may belong to another user; the application is loaded by a service
// of systemd, with its user and sandbox.
func (s *Spec) interpreter(app wsgi.App, r *Resolved) (folders []string, err error) {
	if s.Root != "" {
		r.Adapter.Python, folders, err = s.otherInterpreter(app)
		return folders, err
	}
	path := ""
	switch {
	case s.Adapter.Python == "":
		var passed []wsgi.Venv
		path, passed, err = wsgi.FindPython(app)
		for _, v := range passed {
			r.Passed = append(r.Passed, adapter.PassedOver(v.Reason, v.Python))
		}
	case strings.Contains(s.Adapter.Python, "/"):
		path, err = filepath.Abs(s.Adapter.Python)
	default:
		if path, err = exec.LookPath(s.Adapter.Python); err == nil {
			path, err = filepath.Abs(path)
		}
	}
	if err != nil {
		return nil, err
	}
	if !program.Is(path) {
		return nil, fmt.Errorf("%s is not an executable file: use --python PATH", path)
	}
	p := python.Look(path)
	if p.Older(3, 8) {
		return nil, fmt.Errorf("%s is Python %d.%d, but 3.8 or later is required: use --python PATH", path, p.Major, p.Minor)
	}
	if p.Script {
		r.Slow = append(r.Slow, path+" is a script that searches the interpreter at each start: "+
			"use --python with the path of the interpreter itself")
	}
	r.Adapter.Python = path
	return p.Folders, nil
}

// otherInterpreter returns the interpreter of an application in another system, which can't be run.
func (s *Spec) otherInterpreter(app wsgi.App) (path string, folders []string, err error) {
	if path = s.Adapter.Python; path == "" {
		if path, _, err = wsgi.FindPython(app); err == nil {
			path, err = s.Root.Inside(path)
		}
		if err == nil {
			seen, realErr := rootfs.Inside(string(s.Root), path)
			_, err = os.Stat(seen)
			err = errors.Join(realErr, err)
		}
		if err != nil { // that of this machine
			path = "/usr/bin/python3"
		}
	}
	seen, err := s.Root.Outside(path)
	if err != nil {
		return "", nil, err
	}
	if seen, err = s.Root.Real(seen); err != nil {
		return "", nil, err
	}
	if _, err := os.Stat(seen); err != nil || !filepath.IsAbs(path) {
		return "", nil, fmt.Errorf("%s does not exist in %s: use --python PATH", path, string(s.Root))
	}
	return path, []string{filepath.Dir(filepath.Dir(path))}, nil
}
