package units

import (
	"path"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/units/internal/syntax"
)

// checkSandbox checks the profile and the shown paths.
func (o *Options) checkSandbox() error {
	if _, err := ParseProfile(string(o.Profile)); err != nil {
		return asOption("Profile", err)
	}
	for _, s := range o.Shown() {
		if strings.ContainsAny(s, "\"'\\") {
			return optionError("Reads", "%q can't be made visible in the sandbox: versions of systemd read quotes and backslashes in BindReadOnlyPaths= differently; rename it", s)
		}
	}
	return nil
}

// hides lists the directories whose contents the sandbox hides. DynamicUser= implies PrivateTmp=.
func (o *Options) hides() (folders []string) {
	if o.Profile == Strict {
		folders = append(folders, "/home", "/root", "/run/user")
	}
	if o.Profile == Strict || o.User == "" && !o.UserManager {
		folders = append(folders, "/tmp", "/var/tmp")
	}
	return folders
}

// Shown lists the paths of WorkingDirectory, Exec[0] and Reads that the sandbox would hide: the units
// show them read-only (BindReadOnlyPaths=). Paths below another one of them are omitted.
//
// systemd resolves these names as root at every start. If another user can replace one by a symbolic
// link, any file could be shown; then Reads must contain a parent directory that only root can replace.
func (o *Options) Shown() (paths []string) {
	all := slices.Concat([]string{o.WorkingDirectory}, o.Exec[:min(1, len(o.Exec))], o.Reads)
	for _, folder := range o.hides() {
	next:
		for i, p := range all {
			if p = path.Clean(p); !below(p, folder) {
				continue
			}
			for j, other := range all {
				if other = path.Clean(other); below(other, folder) && (below(p, other) || p == other && j < i) {
					continue next
				}
			}
			paths = append(paths, p)
		}
	}
	return paths
}

func below(p, folder string) bool { return strings.HasPrefix(p, folder+"/") }

// sandbox adds the directives of the profile and the shown paths.
func (o *Options) sandbox(s *syntax.Section) {
	for _, g := range o.Hardening() {
		s.Because(g.Why, g.Directives...)
	}
	why := "Its own files, in directories that are hidden from it:"
	for _, p := range o.Shown() {
		s.Because(why, "BindReadOnlyPaths="+syntax.QuotePath(p))
		why = ""
	}
}
