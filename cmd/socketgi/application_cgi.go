package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/scgi/cgi"
)

// resolveCGI finds out on this machine which CGI programs are to be served.
func (a *appFlags) resolveCGI(args []string) (*application, error) {
	if a.python != "" {
		return nil, errors.New("--python is for WSGI applications: a CGI program says itself what runs it")
	}
	if a.idleTimeout < 0 {
		return nil, fmt.Errorf("--idle-timeout %v: a timeout is not negative; 0 is none", a.idleTimeout)
	}
	r := &application{}
	if a.nph {
		r.words = append(r.words, "--nph")
	}
	if a.isindex {
		r.words = append(r.words, "--isindex")
	}
	if a.idleTimeout != 0 {
		r.words = append(r.words, "--idle-timeout", a.idleTimeout.String())
	}
	if a.cgiRoot != "" {
		return r, a.resolveTree(r, args)
	}
	return r, a.resolveProgram(r, args)
}

// resolveTree is for the programs below --cgi-root.
func (a *appFlags) resolveTree(r *application, args []string) error {
	var seen, real cgi.Config // as they are seen from here, and where links lead
	for i, dir := range append([]string{a.cgiRoot}, a.cgiTargets...) {
		path, err := a.root.outside(dir)
		if err != nil {
			return err
		}
		leads, err := a.root.real(path)
		if err != nil {
			return err
		}
		if i == 0 {
			seen.Root, real.Root = path, leads
		} else {
			seen.Targets, real.Targets = append(seen.Targets, path), append(real.Targets, leads)
		}
	}
	if a.cgi {
		real.Program = args[0] // which Resolve refuses beside a directory
	}
	if err := real.Resolve(); err != nil {
		return err
	}
	if a.root == "" { // what links are in another system is not followed
		r.refused = linksOut(seen.Root, seen.Targets)
	}
	root, err := a.root.inside(seen.Root)
	if err != nil {
		return err
	}
	r.label, r.files = a.cgiRoot, []string{root}
	for _, dir := range seen.Targets {
		if dir, err = a.root.inside(dir); err != nil {
			return err
		}
		r.files = append(r.files, dir)
		r.words = append(r.words, "--cgi-target", dir)
	}
	r.trees = r.files
	r.words = append(r.words, "--cgi-root", root)
	return nil
}

// resolveProgram is for the one of --cgi, with its arguments.
func (a *appFlags) resolveProgram(r *application, args []string) (err error) {
	c := cgi.Config{Program: args[0], Args: args[1:]}
	if a.root != "" {
		if c.Program, err = a.root.outside(c.Program); err != nil {
			return err
		}
	}
	if err := c.Resolve(); err != nil {
		return err
	}
	real, err := a.root.real(c.Program)
	if err != nil {
		return err
	}
	if !isProgram(real) {
		return fmt.Errorf("%s is no program that can be executed", c.Program)
	}
	if c.Program, err = a.root.inside(c.Program); err != nil {
		return err
	}
	r.label, r.files, r.folders = strings.Join(args, " "), []string{c.Program}, append([]string{filepath.Dir(c.Program)}, c.Args...)
	r.words = append(append(r.words, "--cgi", c.Program), c.Args...)
	return nil
}

// mostLinked is how many files linksOut looks at.
const mostLinked = 20_000

// linksOut finds the links below root for which requests are refused with 403, and says which
// flag allows each.
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
		refused = append(refused, fmt.Sprintf("%s is a link to %s, outside of %s: requests for it are refused with 403; --cgi-target %s allows it",
			filepath.Clean(path), real, root, dir))
		return nil
	})
	return refused
}
