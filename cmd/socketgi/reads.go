package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/units"
)

// existing returns those of the paths that are there and absolute, each with what it
// is a symbolic link to, step by step: a sandbox that shows a link shows nothing yet.
func existing(paths ...string) (found []string) {
	for _, path := range paths {
		for range 40 { // as many as the kernel follows (path_resolution(7))
			if !filepath.IsAbs(path) {
				break
			}
			if _, err := os.Stat(path); err != nil {
				break
			}
			found = append(found, path)
			target, err := os.Readlink(path)
			if err != nil {
				break
			}
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(path), target)
			}
			path = target
		}
	}
	return found
}

// pin has the sandbox show no path in the place of which somebody else can put a link: systemd
// would follow it with root's rights, into folders that are closed to them. A folder above is
// shown, which only root can replace; links in there are followed by the application itself.
func (p *pairFlags) pin(o *units.Options) error {
	if o.UserManager { // it has no more rights than the application
		return nil
	}
	for _, path := range o.Shown() {
		at := path
		for at != "/" && !p.root.pinned(at) {
			at = filepath.Dir(at)
		}
		if at == path || !slices.Contains(o.Shown(), path) { // one above is shown by now
			continue
		}
		trial := *o
		trial.Reads = append(trial.Reads[:len(trial.Reads):len(trial.Reads)], at)
		switch shown := trial.Shown(); {
		case slices.Contains(shown, at):
			*o = trial
			p.warnings = append(p.warnings, fmt.Sprintf("all of %s is shown to it: in the place of %s somebody else than root could put a link to anything. "+
				"In a folder of root's, such as /srv, it is the only one that is shown", at, path))
		case os.Geteuid() == 0:
			return fmt.Errorf("%s would have to be shown to the sandbox, and somebody else than root could put a link to anything in its place: "+
				"move it to a folder of root's, such as /srv", path)
		default:
			p.warnings = append(p.warnings, fmt.Sprintf("in the place of %s somebody else than root can put a link to anything, which would be shown to the application: "+
				"move it to a folder of root's, such as /srv", path))
		}
	}
	return nil
}

// pinned tells whether only root can have a path lead elsewhere.
func (r rootDir) pinned(path string) bool {
	names, err := rootfs.Names(string(r), path)
	return err == nil && !slices.ContainsFunc(names, access.Owner{}.CanBeReplaced)
}
