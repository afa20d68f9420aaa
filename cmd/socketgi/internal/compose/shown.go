// Package compose determines the options of an application's units on this machine: allowed users, its
// user, and the files that the sandbox shows.
package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/units"
)

// Pin replaces shown paths that another user than root could replace by a symbolic link, which systemd
// would follow as root. A parent directory that only root can replace is shown instead; links in it are
// followed with the application's privileges.
//
// root is the directory of the system that gets the units, "" for this one. Warnings list what is shown
// in addition.
func Pin(root string, o *units.Options) (warnings []string, err error) {
	if o.UserManager { // it has no more rights than the application
		return nil, nil
	}
	for _, path := range o.Shown() {
		at := path
		for at != "/" && !access.Pinned(root, at) {
			at = filepath.Dir(at)
		}
		if at == path || !slices.Contains(o.Shown(), path) { // one above is shown by now
			continue
		}
		wider := *o
		wider.Reads = append(wider.Reads[:len(wider.Reads):len(wider.Reads)], at)
		switch shown := wider.Shown(); {
		case slices.Contains(shown, at):
			*o = wider
			warnings = append(warnings, fmt.Sprintf("all of %s is visible to it: another user than root could replace %s by a link to any directory. "+
				"Below a directory of root, such as /srv, only itself is visible", at, path))
		case os.Geteuid() == 0:
			return nil, fmt.Errorf("%s can't be made visible in the sandbox: another user than root could replace it by a link to any directory: "+
				"move it to a directory of root, such as /srv", path)
		default:
			warnings = append(warnings, fmt.Sprintf("another user than root can replace %s by a link to any directory, which would be visible to the application: "+
				"move it to a directory of root, such as /srv", path))
		}
	}
	return warnings, nil
}
