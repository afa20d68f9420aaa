package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/unitfile"
)

// Unit is a unit file with its drop-ins.
type Unit struct {
	// Name is the unit's name, such as hello@.service.
	Name string
	// Path is its file.
	Path string
	// DropIns are the files that change it, in ascending order of priority.
	DropIns []string

	options []Setting
}

// ErrMasked is returned for a unit that is a link to /dev/null: systemd refuses to start it.
var ErrMasked = errors.New("the unit is masked")

// Unit reads a unit file and its drop-ins (systemd.unit(5)). The error is
// os.ErrNotExist for a missing unit, and [ErrMasked] for a masked one.
func (h Host) Unit(name string) (*Unit, error) {
	dirs, err := h.Dirs()
	if err != nil {
		return nil, err
	}
	u := &Unit{Name: name}
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		real, err := h.real(path)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(real)
		if err == nil && info.Mode().IsRegular() {
			u.Path = path
			break
		}
		if target, err := os.Readlink(path); err == nil && target == "/dev/null" {
			return nil, fmt.Errorf("%s: %w", path, ErrMasked)
		}
	}
	if u.Path == "" {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dirs[0], name), os.ErrNotExist)
	}
	if u.DropIns, err = h.dropIns(dirs, name); err != nil {
		return nil, err
	}
	for _, path := range append([]string{u.Path}, u.DropIns...) {
		if err := h.read(u, path); err != nil {
			return nil, err
		}
	}
	return u, nil
}

// read adds the directives of a file.
func (h Host) read(u *Unit, path string) error {
	real, err := h.real(path)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(real)
	u.add(path, string(text))
	return err
}

// add adds the directives of a text that is, or will be, the file at path.
func (u *Unit) add(path, text string) {
	for _, o := range unitfile.Locate(text) {
		u.options = append(u.options, Setting{o, path})
	}
}

// Setting is a directive of a unit, with its place.
type Setting struct {
	unitfile.Located
	// File is the unit's file, or the drop-in.
	File string
}

// Place names the file and the line.
func (s Setting) Place() string { return fmt.Sprintf("%s:%d", s.File, s.Line) }

// Settings are the directives whose values [Unit.All] returns.
func (u *Unit) Settings(section, name string) (found []Setting) {
	for _, o := range u.options {
		switch {
		case o.Section != section || o.Name != name:
		case o.Value == "":
			found = nil
		default:
			found = append(found, o)
		}
	}
	return found
}

// dropIns lists the files that change a unit, sorted by name; of files with the same name, the one in the
// directory of the highest priority.
func (h Host) dropIns(dirs []string, name string) (paths []string, err error) {
	seen := map[string]string{}
	for _, dir := range dirs {
		real, err := h.real(filepath.Join(dir, name+".d"))
		if err != nil {
			return nil, err
		}
		list, err := os.ReadDir(real)
		if err != nil && !os.IsNotExist(err) {
			return nil, err
		}
		for _, e := range list {
			if _, twice := seen[e.Name()]; !twice && strings.HasSuffix(e.Name(), ".conf") {
				seen[e.Name()] = filepath.Join(dir, name+".d", e.Name())
			}
		}
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		link, err := h.real(filepath.Dir(seen[n]))
		if err != nil {
			return nil, err
		}
		if target, err := os.Readlink(filepath.Join(link, n)); err == nil && target == "/dev/null" {
			continue // masked
		}
		paths = append(paths, seen[n])
	}
	return paths, nil
}

// All returns the values of a directive, without those before an empty assignment. Specifiers and quotes are
// unchanged.
func (u *Unit) All(section, name string) (values []string) {
	for _, o := range u.Settings(section, name) {
		values = append(values, o.Value)
	}
	return values
}

// Get returns the last value of a directive, "" for none.
func (u *Unit) Get(section, name string) string {
	values := u.All(section, name)
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// Has reports whether the unit has a section.
func (u *Unit) Has(section string) bool {
	return slices.ContainsFunc(u.options, func(o Setting) bool { return o.Section == section })
}

// real resolves the symbolic links of a file below Root.
func (h Host) real(path string) (string, error) {
	if h.Root == "" {
		return path, nil
	}
	rest, err := filepath.Rel(h.Root, path)
	if err != nil || !filepath.IsLocal(rest) {
		return "", fmt.Errorf("%s is not below %s", path, h.Root)
	}
	return rootfs.Inside(h.Root, rest)
}

// Everything returns all directives of the unit in ascending order of priority, including empty ones.
func (u *Unit) Everything() []Setting { return u.options }
