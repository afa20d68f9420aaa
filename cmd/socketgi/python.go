package main

import (
	"fmt"
	"os/exec"
	"strings"

	"github.com/socketgi/socketgi/scgi/wsgi"
)

// interpreter returns the interpreter for an application: the one that is named, or
// the one that is found. A name in PATH may be a script that looks for the
// interpreter (pyenv's takes 100 ms), so it is asked where it is.
func interpreter(python string, app wsgi.App) (string, error) {
	if python == "" {
		var err error
		if python, err = wsgi.FindPython(app); err != nil {
			return "", err
		}
	}
	out, err := exec.Command(python, "-c", "import sys; print(sys.version_info >= (3, 8), sys.executable)").Output()
	if err != nil {
		return "", fmt.Errorf("%s doesn't run as a Python: %w", python, err)
	}
	modern, path, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if modern != "True" || path == "" {
		return "", fmt.Errorf("%s is older than Python 3.8: say --python with a later one", python)
	}
	return path, nil
}
