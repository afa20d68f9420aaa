package wsgi

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// App names an application.
type App struct {
	// File is the absolute path of a Python file, or "".
	File string
	// Module is a dotted name that Python imports, or "". With File it is the name of the file as a
	// module of a package, which Python finds in Folder.
	Module string
	// Folder is the folder above the package that contains File, or "".
	Folder string
	// Callable is the name of the application in the module, followed by "()" for a factory.
	// Default: the first existing one of application, app, create_app() and make_app().
	Callable string
}

// ParseApp reads an application's name as an operator writes it: FILE.py,
// FILE.py:CALLABLE, package.module or package.module:CALLABLE. A name that contains a slash or ends in .py
// is a file, which must exist. Errors are messages for the operator, except those of os.Stat.
func ParseApp(s string) (App, error) {
	name, callable, named := s, "", false
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		name, callable, named = s[:i], s[i+1:], true
	}
	if named && !isDotted(strings.TrimSuffix(callable, "()")) {
		return App{}, errors.New(s + ": not a callable after the colon: expected NAME or NAME()")
	}
	if strings.HasSuffix(name, ".py") || strings.Contains(name, "/") {
		path, err := filepath.Abs(name)
		if err != nil {
			return App{}, err
		}
		switch info, err := os.Stat(path); {
		case err != nil:
			return App{}, err
		case info.IsDir():
			return App{}, errors.New(path + " is a directory: give the Python file in it, or package.module:CALLABLE")
		}
		app := App{File: path, Callable: callable}
		app.Module, app.Folder = inPackage(path)
		return app, nil
	}
	if !isDotted(name) {
		return App{}, errors.New(s + " is not an application: expected FILE.py, FILE.py:CALLABLE or package.module:CALLABLE")
	}
	return App{Module: name, Callable: callable}, nil
}

// inPackage returns the module name of a file in a package, and the folder above the package: imports in
// the file depend on both. It returns none if everybody can write to that folder.
func inPackage(path string) (module, folder string) {
	name, ok := strings.CutSuffix(filepath.Base(path), ".py")
	if !ok || strings.Contains(name, ".") || !isDotted(name) {
		return "", ""
	}
	var parts []string
	if name != "__init__" {
		parts = []string{name}
	}
	dir := filepath.Dir(path)
	for folder = dir; isDotted(filepath.Base(folder)) && !strings.Contains(filepath.Base(folder), "."); folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "__init__.py")); err != nil {
			break
		}
		parts = append(parts, filepath.Base(folder))
	}
	if info, err := os.Stat(folder); folder == dir || err != nil || info.Mode()&0o002 != 0 {
		return "", ""
	}
	slices.Reverse(parts)
	return strings.Join(parts, "."), folder
}

// isDotted returns whether s can be a dotted Python name. Python checks letters outside of ASCII.
func isDotted(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" || part[0] >= '0' && part[0] <= '9' {
			return false
		}
		for _, c := range []byte(part) {
			if c < 0x80 && c != '_' && !(c|0x20 >= 'a' && c|0x20 <= 'z') && !(c >= '0' && c <= '9') {
				return false
			}
		}
	}
	return true
}
