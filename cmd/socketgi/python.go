package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/socketgi/socketgi/scgi/wsgi"
)

// askWhere prints what interpreter wants to know, and then every folder that this
// Python loads something from.
const askWhere = `import sys
print(sys.version_info >= (3, 8), sys.executable)
print("\n".join([sys.prefix, sys.base_prefix] + sys.path))`

// interpreter returns the interpreter for an application: the one that is named, or
// the one that is found; and the folders that it loads modules from. A name in PATH may
// be a script that looks for the interpreter (pyenv's takes 100 ms), so it is asked where
// it is.
func (a *appFlags) interpreter(app wsgi.App) (path string, folders []string, err error) {
	python := a.python
	if a.root != "" {
		return a.otherInterpreter(app)
	}
	if python == "" {
		if python, err = wsgi.FindPython(app); err != nil {
			return "", nil, err
		}
	}
	// Neither the variables nor the packages of whoever asks, which no service has.
	cmd := exec.Command(python, "-E", "-s", "-c", askWhere)
	asOwner(cmd, python)
	out, err := cmd.Output()
	if err != nil {
		return "", nil, fmt.Errorf("%s doesn't run as a Python: %w", python, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	modern, path, _ := strings.Cut(lines[0], " ")
	if modern != "True" || path == "" {
		return "", nil, fmt.Errorf("%s is older than Python 3.8: say --python with a later one", python)
	}
	return path, lines[1:], nil
}

// otherInterpreter returns the interpreter for an application of another system, where
// it can't be run.
func (a *appFlags) otherInterpreter(app wsgi.App) (path string, folders []string, err error) {
	if path = a.python; path == "" {
		if path, err = wsgi.FindPython(app); err == nil {
			path, err = a.root.inside(path)
		}
		if err != nil { // that of this machine
			path = "/usr/bin/python3"
		}
	}
	seen, err := a.root.outside(path)
	if err != nil {
		return "", nil, err
	}
	if _, err := os.Lstat(seen); err != nil || !filepath.IsAbs(path) {
		return "", nil, fmt.Errorf("%s is not in %s: say with --python which one is", path, string(a.root))
	}
	return path, []string{filepath.Dir(filepath.Dir(path))}, nil
}
