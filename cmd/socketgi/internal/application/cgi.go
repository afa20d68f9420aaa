package application

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/program"
	"github.com/socketgi/socketgi/scgi/cgi"
)

// resolveTree resolves the programs below --cgi-root.
func (s *Spec) resolveTree(r *Resolved) error {
	var seen, real cgi.Config // as they are seen from here, and where links lead
	for i, dir := range append([]string{r.Adapter.CGI.Root}, r.Adapter.CGI.Targets...) {
		path, err := s.Root.Outside(dir)
		if err != nil {
			return err
		}
		leads, err := s.Root.Real(path)
		if err != nil {
			return err
		}
		if i == 0 {
			seen.Root, real.Root = path, leads
		} else {
			seen.Targets, real.Targets = append(seen.Targets, path), append(real.Targets, leads)
		}
	}
	if err := real.Resolve(); err != nil {
		return err
	}
	if s.Root == "" { // what links are in another system is not followed
		r.Refused = linksOut(seen.Root, seen.Targets)
	}
	root, err := s.Root.Inside(seen.Root)
	if err != nil {
		return err
	}
	r.Label, r.Files = r.Adapter.CGI.Root, []string{root}
	r.Adapter.CGI.Root, r.Adapter.CGI.Targets = root, nil
	for _, dir := range seen.Targets {
		if dir, err = s.Root.Inside(dir); err != nil {
			return err
		}
		r.Files = append(r.Files, dir)
		r.Adapter.CGI.Targets = append(r.Adapter.CGI.Targets, dir)
	}
	r.Trees = r.Files
	return nil
}

// resolveProgram resolves the program of --cgi, with its arguments.
func (s *Spec) resolveProgram(r *Resolved) (err error) {
	args := r.Adapter.Operands
	c := cgi.Config{Program: args[0], Args: args[1:]}
	if s.Root != "" {
		if c.Program, err = s.Root.Outside(c.Program); err != nil {
			return err
		}
	}
	if err := c.Resolve(); err != nil {
		return err
	}
	real, err := s.Root.Real(c.Program)
	if err != nil {
		return err
	}
	if !program.Is(real) {
		return fmt.Errorf("%s is not an executable file", c.Program)
	}
	if c.Program, err = s.Root.Inside(c.Program); err != nil {
		return err
	}
	r.Label, r.Files, r.Folders = strings.Join(args, " "), []string{c.Program}, append([]string{filepath.Dir(c.Program)}, c.Args...)
	r.Adapter.Operands = append([]string{c.Program}, c.Args...)
	return nil
}

// mostLinked limits the files that linksOut checks.
const mostLinked = 20_000

// linksOut finds the symbolic links below root whose requests are refused with 403, with the flag that
// allows each.
func linksOut(root string, targets []string) (refused []string) {
	var allowed []string
	for _, dir := range append([]string{root}, targets...) {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			allowed = append(allowed, strings.TrimSuffix(real, "/")+"/")
		}
	}
	seen := 0
	_ = filepath.WalkDir(root+"/", func(path string, d fs.DirEntry, err error) error {
		if seen++; seen > mostLinked {
			return fs.SkipAll
		}
		if err != nil || d.Type()&fs.ModeSymlink == 0 {
			return nil
		}
		real, err := filepath.EvalSymlinks(path)
		if err != nil || slices.ContainsFunc(allowed, func(dir string) bool { return strings.HasPrefix(real+"/", dir) }) {
			return nil
		}
		dir := real
		if info, err := os.Stat(real); err == nil && !info.IsDir() {
			dir = filepath.Dir(real)
		}
		refused = append(refused, fmt.Sprintf("%s is a link to %s, outside of %s: requests for it are refused with 403; %s",
			filepath.Clean(path), real, root, adapter.TargetHint(dir)))
		return nil
	})
	return refused
}
