package main

import (
	"fmt"
	"os/exec"
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
func interpreter(python string, app wsgi.App) (path string, folders []string, err error) {
	if python == "" {
		if python, err = wsgi.FindPython(app); err != nil {
			return "", nil, err
		}
	}
	// Neither the variables nor the packages of whoever asks, which no service has.
	out, err := exec.Command(python, "-E", "-s", "-c", askWhere).Output()
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
