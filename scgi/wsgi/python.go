package wsgi

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Venv is a virtual environment near an application that [FindPython] did not take.
type Venv struct {
	// Reason is the reason, with the command that repairs a broken one, in one sentence for the
	// operator.
	Reason string
	// Python is its interpreter, "" if it has none. [Config].Python may name it explicitly.
	Python string
}

// FindPython returns the Python for app: that of a virtual environment in the application's folder (for a
// module: the working directory), in a folder above it with the same owner, or around it; else the first
// python3 in PATH. An environment must belong to root, this user or the owner of the application's folder.
// Passed are nearer environments that are not used. The error is a message for the operator: no Python was
// found.
func FindPython(app App) (python string, passed []Venv, err error) {
	dir := "."
	if app.File != "" {
		dir = filepath.Dir(app.File)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", nil, err
	}
	// The owner is checked because in a folder such as /tmp, other users can create environments.
	search := venvSearch{trusted: []uint32{0, uint32(os.Geteuid())}, dir: dir}
	home, known := owner(dir)
	if known {
		search.trusted = append(search.trusted, home)
	}
	within := true
	for folder := dir; ; folder = filepath.Dir(folder) {
		names := []string{"."} // it lies in an environment
		if uid, ok := owner(folder); folder == dir || within && ok && known && uid == home {
			names = []string{".venv", "venv", "env", "."}
		} else {
			if within {
				passed = append(passed, search.beyond(folder)...)
			}
			within = false
		}
		for _, name := range names {
			python, why := search.look(folder, name)
			if python != "" {
				return python, passed, nil
			}
			if why.Reason != "" {
				passed = append(passed, why)
			}
		}
		if folder == filepath.Dir(folder) {
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
			return python, passed, nil
		}
	}
	return "", passed, errors.New("no python3 in PATH: install Python 3, or give the path of a Python")
}

type venvSearch struct {
	trusted []uint32 // the users whose environments are used
	dir     string   // the application's
}

// look returns the interpreter of the virtual environment of that name in a folder, or why
// it is none that can be used. Both are "" where there is nothing that looks like one.
func (s venvSearch) look(folder, name string) (python string, why Venv) {
	dir := filepath.Join(folder, name)
	info, err := os.Stat(dir)
	python = filepath.Join(dir, "bin", "python")
	_, pythonErr := os.Stat(python)
	_, cfgErr := os.Stat(filepath.Join(dir, "pyvenv.cfg"))
	switch {
	case err != nil:
		if _, linkErr := os.Lstat(dir); linkErr == nil && name != "env" {
			return "", Venv{Reason: fmt.Sprintf("%s is not used: %v", dir, errors.Unwrap(err))}
		}
		return "", Venv{}
	case !info.IsDir():
		if name != ".venv" || !info.Mode().IsRegular() {
			return "", Venv{}
		}
		return "", Venv{dir + " is a file; references to a virtual environment elsewhere are not followed (pipenv --py prints its Python)", s.named(dir)}
	case errors.Is(cfgErr, unix.ENOENT) && (name == "." || pythonErr != nil && name == "env"):
		return "", Venv{} // just a folder
	case errors.Is(cfgErr, unix.ENOENT) && pythonErr != nil:
		return "", Venv{Reason: fmt.Sprintf("%s is not used: it has neither pyvenv.cfg nor bin/python; create it with python3 -m venv %[1]s", dir)}
	case errors.Is(cfgErr, unix.ENOENT):
		return "", Venv{dir + " is not used: it has no pyvenv.cfg", python}
	case cfgErr != nil:
		return "", Venv{Reason: fmt.Sprintf("%s is not used: its pyvenv.cfg: %v", dir, errors.Unwrap(cfgErr))}
	}
	for _, part := range []string{"pyvenv.cfg", "bin"} {
		// Of a symbolic link, its own owner: any user can create a link to a file of root.
		if uid, ok := linkOwner(filepath.Join(dir, part)); ok && !slices.Contains(s.trusted, uid) {
			return "", Venv{fmt.Sprintf("%s is not used: its owner is user %d, neither root, this user nor the owner of %s",
				dir, uid, s.dir), python}
		}
	}
	if pythonErr == nil {
		return python, Venv{}
	}
	broken := "it has no bin/python"
	if target, err := os.Readlink(python); err == nil {
		broken = "its bin/python is a symbolic link to " + target + ", which does not exist"
	}
	return "", Venv{Reason: fmt.Sprintf("%s is not used: %s; repair it with python3 -m venv --clear %[1]s", dir, broken)}
}

// beyond returns the environments in folder, which has another owner than the application's folder.
func (s venvSearch) beyond(folder string) (passed []Venv) {
	for _, name := range []string{".venv", "venv", "env"} {
		if python, _ := s.look(folder, name); python != "" {
			passed = append(passed, Venv{fmt.Sprintf("%s is not used: %s does not belong to the owner of %s",
				filepath.Join(folder, name), folder, s.dir), python})
		}
	}
	return passed
}

// named returns the interpreter of the environment that a file of pipenv names.
func (s venvSearch) named(file string) string {
	if uid, ok := owner(file); ok && slices.Contains(s.trusted, uid) {
		// O_NONBLOCK, in case that the file has been replaced by a FIFO.
		if f, err := os.OpenFile(file, os.O_RDONLY|unix.O_NONBLOCK, 0); err == nil {
			defer f.Close()
			text, _ := io.ReadAll(io.LimitReader(f, 4096))
			if dir := strings.TrimSpace(string(text)); filepath.IsAbs(dir) && !strings.ContainsAny(dir, "\n\x00") {
				return filepath.Join(dir, "bin", "python")
			}
		}
	}
	return ""
}

func owner(path string) (uid uint32, ok bool) {
	var st unix.Stat_t
	err := unix.Stat(path, &st)
	return st.Uid, err == nil
}

// linkOwner is owner, without following a symbolic link.
func linkOwner(path string) (uid uint32, ok bool) {
	var st unix.Stat_t
	err := unix.Lstat(path, &st)
	return st.Uid, err == nil
}
