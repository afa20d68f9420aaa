package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/units"
)

// look returns the files to write and to remove, or the reason why they must not be.
func (a *Add) look(pair units.Pair) (files []file, err error) {
	dirs, err := a.Host.Dirs()
	if err != nil {
		return nil, err
	}
	others := dirs[1:]
	if !a.Host.User {
		for _, dir := range []string{"/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient", "/run/systemd/generator", "/run/systemd/generator.late"} {
			if dir, err = rootfs.Inside(a.Host.Root, dir); err != nil {
				return nil, err
			}
			others = append(others, dir)
		}
	}
	each, err := a.Options.RenderEach()
	if err != nil {
		return nil, err
	}
	for _, u := range pair.Files() {
		name, f := u.Name, file{path: filepath.Join(dirs[0], u.Name), text: u.Text}
		for _, dir := range others {
			// A unit in this directory would replace that one.
			path := filepath.Join(dir, name)
			if _, err := os.Lstat(path); err == nil && !a.same(dirs[0], dir) {
				return nil, fmt.Errorf("%s is a unit of this system: choose another name than %s", path, a.Options.Name)
			}
		}
		there, err := read(f.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		case there == f.text:
			continue
		case !isOurs(dirs[0], name, there):
			return nil, fmt.Errorf("%s exists and was not written by socketgi: choose another name than %s", f.path, a.Options.Name)
		case saidTo(each, u.Name, there): // written for another version of systemd
		case !a.Force:
			return nil, fmt.Errorf("%s exists with different contents; use --force to replace it, or choose another name", f.path)
		}
		files = append(files, f)
	}
	if err := a.claims(pair); err != nil {
		return nil, err
	}
	gone, err := a.lookGone(dirs[0], pair)
	return append(files, gone...), err
}

// saidTo reports whether a unit is as written for any version of systemd.
func saidTo(each []units.Pair, name, text string) bool {
	return slices.ContainsFunc(each, func(p units.Pair) bool { return slices.Contains(p.Files(), units.File{Name: name, Text: text}) })
}

// lookGone returns the units to remove that the application had before.
func (a *Add) lookGone(dir string, pair units.Pair) (files []file, err error) {
	// The slice of its limits.
	slice := filepath.Join(dir, units.SliceName(a.Options.Name))
	if text, err := read(slice); pair.Slice == "" && err == nil && isOurs(dir, units.SliceName(a.Options.Name), text) {
		if !a.Force {
			return nil, fmt.Errorf("%s exists: use --force to remove it, or repeat its limits", slice)
		}
		files = append(files, file{path: slice, gone: true})
	}
	// The service of the other Accept=.
	other := filepath.Join(dir, a.Options.Name+".service")
	if a.Options.Warm {
		other = filepath.Join(dir, a.Options.Name+"@.service")
	}
	there, err := read(other)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return files, nil
	case err != nil:
		return nil, err
	case !strings.Contains(there, "\n[X-Socketgi]"):
		if a.Options.Warm {
			return files, nil // a template of that name with other contents is kept
		}
		return nil, fmt.Errorf("%s exists and was not written by socketgi: choose another name than %s", other, a.Options.Name)
	case !a.Force:
		return nil, fmt.Errorf("%s exists: use --force to replace it, or choose another name", other)
	}
	return append(files, file{path: other, gone: true}), nil
}

// isOurs reports whether socketgi has written a unit, or the service of a socket.
func isOurs(dir, unit, text string) bool {
	name, isSocket := strings.CutSuffix(unit, ".socket")
	if strings.Contains(text, "\n[X-Socketgi]") || !isSocket {
		return strings.Contains(text, "\n[X-Socketgi]")
	}
	// After an interruption, a pair may have only its socket.
	if strings.HasPrefix(text, "# "+unit+": systemd listens, ") {
		return true
	}
	for _, service := range []string{name + ".service", name + "@.service"} {
		if text, err := read(filepath.Join(dir, service)); err == nil && strings.Contains(text, "\n[X-Socketgi]") {
			return true
		}
	}
	return false
}

// same reports whether two paths are the same directory: /lib is a symbolic link to /usr/lib on most systems.
func (a *Add) same(one, other string) bool {
	x, err := os.Stat(one)
	if err != nil {
		return false
	}
	y, err := os.Stat(other)
	return err == nil && os.SameFile(x, y)
}

// read reads a unit to replace.
func read(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		target, _ := os.Readlink(path)
		if target == "/dev/null" {
			return "", fmt.Errorf("%s is masked: systemctl unmask %s, or choose another name", path, filepath.Base(path))
		}
		return "", fmt.Errorf("%s is a symbolic link: remove it, or choose another name", path)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no file", path)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}
