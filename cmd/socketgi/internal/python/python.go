// Package python identifies a Python interpreter by its files. It never runs one: an interpreter executes code in its
// site-packages, which other users can often write.
package python

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/file"
)

// Python has the properties of an interpreter, from its files.
type Python struct {
	// Major and Minor are the version of the language, 0 and 0 if unknown.
	Major, Minor int
	// Script is true if the program is a script that searches the interpreter at each start.
	Script bool
	// Folders are its folders of modules, except those of the system.
	Folders []string
}

// Look returns the properties of the interpreter at that absolute path.
func Look(path string) Python {
	p := Python{}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		real = path
	}
	p.Script = bytes.HasPrefix(read(real, 2), []byte("#!"))
	p.Major, p.Minor = version(programName, filepath.Base(real))
	// PEP 405: the file is beside the program, or one folder above.
	bin := filepath.Dir(path)
	for _, dir := range []string{bin, filepath.Dir(bin)} {
		cfg := settings(read(filepath.Join(dir, "pyvenv.cfg"), 64<<10))
		if cfg == nil {
			continue
		}
		p.Folders = append(p.Folders, dir)
		if home := cfg["home"]; filepath.IsAbs(home) {
			p.addPrefix(home)
		}
		// Of venv, and of virtualenv and uv.
		for _, key := range []string{"version", "version_info"} {
			if major, minor := version(release, cfg[key]); major != 0 {
				p.Major, p.Minor = major, minor
			}
		}
		p.addSites(dir)
		break
	}
	for _, bin := range []string{bin, filepath.Dir(real)} {
		p.addPrefix(bin)
	}
	return p
}

// Older reports whether its version is known, and older than the given one.
func (p Python) Older(major, minor int) bool {
	return p.Major != 0 && (p.Major < major || p.Major == major && p.Minor < minor)
}

var (
	programName = regexp.MustCompile(`^(?:python|pypy)(\d)(?:\.(\d+))?`)
	release     = regexp.MustCompile(`^(\d)\.(\d+)`)
)

// version returns 0 and 0 if there is no version, or no minor one: python3 can be any.
func version(form *regexp.Regexp, s string) (major, minor int) {
	m := form.FindStringSubmatch(s)
	if m == nil || m[2] == "" && m[1] != "2" {
		return 0, 0
	}
	major, _ = strconv.Atoi(m[1])
	minor, _ = strconv.Atoi(m[2])
	return major, minor
}

// settings parses a pyvenv.cfg; nil: there is none.
func settings(text []byte) map[string]string {
	if text == nil {
		return nil
	}
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, "="); ok {
			all[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return all
}

// addPrefix adds the prefix of the modules of a program in bin, found by the same landmark as Python's sys.prefix.
func (p *Python) addPrefix(bin string) {
	prefix := filepath.Dir(bin)
	if prefix == "/" { // /lib is a symbolic link to /usr/lib, and / is no prefix
		return
	}
	for _, lib := range libraries(prefix) {
		if _, err := os.Stat(filepath.Join(lib, "os.py")); err == nil {
			p.add(prefix)
			p.addSites(prefix)
			return
		}
	}
}

func (p *Python) add(folder string) {
	for _, f := range p.Folders {
		if f == folder {
			return
		}
	}
	p.Folders = append(p.Folders, folder)
}

// libraries lists the folders of modules below a prefix, such as lib/python3.11.
func libraries(prefix string) (found []string) {
	for _, lib := range []string{"lib", "lib64"} {
		dir := filepath.Join(prefix, lib)
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if strings.HasPrefix(e.Name(), "py") {
				found = append(found, filepath.Join(dir, e.Name()))
			}
		}
	}
	return found
}

// Limits of the files of an environment, because root reads them.
const (
	mostPaths    = 256
	mostOfPath   = 64 << 10
	mostPathFile = 256
)

// addSites adds the folders that .pth files below a prefix name, such as those of editable installs (module site).
func (p *Python) addSites(prefix string) {
	files := 0
	for _, lib := range libraries(prefix) {
		for _, site := range []string{"site-packages", "dist-packages"} {
			site = filepath.Join(lib, site)
			entries, _ := os.ReadDir(site)
			for _, e := range entries {
				if !strings.HasSuffix(e.Name(), ".pth") {
					continue
				}
				if files++; files > mostPathFile {
					return
				}
				p.addPaths(site, read(filepath.Join(site, e.Name()), mostOfPath))
			}
		}
	}
}

func (p *Python) addPaths(site string, text []byte) {
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || strings.HasPrefix(line, "import ") || strings.HasPrefix(line, "import\t") || len(p.Folders) >= mostPaths {
			continue
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(site, line)
		}
		if info, err := os.Stat(line); err == nil && info.IsDir() {
			p.add(filepath.Clean(line))
		}
	}
}

// read returns the beginning of a regular file; nil: there is none.
func read(path string, most int64) []byte {
	text, err := file.ReadRegular(path, most)
	if err != nil {
		return nil
	}
	return text
}
