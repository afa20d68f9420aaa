// Package compose finds out on this machine what the units of an application are to have: who may
// talk to it, as whom it runs, and which of its files the sandbox can show.
package compose

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/units"
)

// Pin has the sandbox show no path in the place of which somebody else can put a link: systemd
// would follow it with root's rights, into folders that are closed to them. A folder above is
// shown, which only root can replace; links in there are followed by the application itself.
//
// root is the directory of the system that gets the units, "" for this one. Warnings tell what else
// is shown, or what could be.
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
