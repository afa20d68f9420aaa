package wsgi

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// App names an application.
type App struct {
	// File is the absolute path of a Python file, or "".
	File string
	// Module is a dotted name that Python imports, or "". With File it is what the file is
	// called as a part of a package, when Python looks for that in Folder.
	Module string
	// Folder is the folder above the package that File is a part of, or "".
	Folder string
	// Callable is the name of the application in it, with "()" behind it when
	// it is a factory. Empty: application, app, create_app() or make_app(),
	// whichever is there.
	Callable string
}

// ParseApp reads an application's name as an operator writes it: FILE.py,
// FILE.py:CALLABLE, package.module or package.module:CALLABLE. What has a slash
// or ends in .py is a file, and has to be there.
func ParseApp(s string) (App, error) {
	name, callable, named := s, "", false
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, '/') {
		name, callable, named = s[:i], s[i+1:], true
	}
	if named && !isDotted(strings.TrimSuffix(callable, "()")) {
		return App{}, errors.New(s + ": what stands behind the colon is not the name of a callable: write NAME or NAME()")
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
			return App{}, errors.New(path + " is a directory: name the Python file in it, or package.module:CALLABLE")
		}
		app := App{File: path, Callable: callable}
		app.Module, app.Folder = inPackage(path)
		return app, nil
	}
	if !isDotted(name) {
		return App{}, errors.New(s + " is not an application: write FILE.py, FILE.py:CALLABLE or package.module:CALLABLE")
	}
	return App{Module: name, Callable: callable}, nil
}

// inPackage returns what a file is called as a part of a package, and the folder above that:
// its own imports count on both. Where everybody can put modules into that folder, the file
// counts as one by itself.
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

// isDotted tells whether s can be a dotted Python name. Letters beyond ASCII are
// Python's to judge.
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

// FindPython returns the Python that runs app: that of the virtual environment
// next to it or above it, if it belongs to root, this user or the owner of the
// application's folder, else the first python3 of PATH. For a module, next to
// it is the working directory.
func FindPython(app App) (string, error) {
	dir := "."
	if app.File != "" {
		dir = filepath.Dir(app.File)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	// In a folder like /tmp anybody can put an environment above the application.
	trusted := []uint32{0, uint32(os.Geteuid())}
	if st, ok := owner(dir); ok {
		trusted = append(trusted, st)
	}
	for _, name := range []string{".venv", "venv", "env"} {
		if python, ok := venvPython(filepath.Join(dir, name), trusted); ok {
			return python, nil
		}
	}
	for above := dir; ; above = filepath.Dir(above) {
		if python, ok := venvPython(above, trusted); ok {
			return python, nil
		}
		if above == filepath.Dir(above) {
			break
		}
	}
	path := os.Getenv("PATH")
	if path == "" {
		path = "/usr/local/bin:/usr/bin:/bin"
	}
	for _, d := range filepath.SplitList(path) {
		python := filepath.Join(d, "python3")
		if info, err := os.Stat(python); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() && filepath.IsAbs(python) {
			return python, nil
		}
	}
	return "", errors.New("there is no python3 in PATH: install Python 3, or say --python PATH")
}

// venvPython returns the interpreter of the virtual environment in dir, if there is
// one that belongs to one of these users.
func venvPython(dir string, trusted []uint32) (string, bool) {
	for _, part := range []string{"pyvenv.cfg", "bin"} {
		// Not what a link points to: anybody can make one to a file of root's.
		var st unix.Stat_t
		if unix.Lstat(filepath.Join(dir, part), &st) != nil || !slices.Contains(trusted, st.Uid) {
			return "", false
		}
	}
	python := filepath.Join(dir, "bin", "python")
	_, err := os.Stat(python)
	return python, err == nil
}

func owner(path string) (uid uint32, ok bool) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	return st.Uid, err == nil
}
