package units

import (
	"path"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/units/internal/syntax"
)

// checkSandbox tells why there is no such sandbox.
func (o *Options) checkSandbox() error {
	if _, err := ParseProfile(string(o.Profile)); err != nil {
		return asOption("Profile", err)
	}
	for _, s := range o.Shown() {
		if strings.ContainsAny(s, "\"'\\") {
			return optionError("Reads", "%q has to be shown to the sandbox, and versions of systemd differ in how they read quotation marks and backslashes in BindReadOnlyPaths=: rename it", s)
		}
	}
	return nil
}

// hides lists the folders that an application has, but not what is in them.
// DynamicUser= implies PrivateTmp=.
func (o *Options) hides() (folders []string) {
	if o.Profile == Strict {
		folders = append(folders, "/home", "/root", "/run/user")
	}
	if o.Profile == Strict || o.User == "" && !o.UserManager {
		folders = append(folders, "/tmp", "/var/tmp")
	}
	return folders
}

// Shown lists the paths that the application is made of - WorkingDirectory, Exec[0] and Reads - and that
// its sandbox would hide: the units show them to it, read-only (BindReadOnlyPaths=). Paths below another
// one of them are left out.
//
// systemd looks these names up whenever it starts the service, with root's rights. Where somebody else
// can put a link in the place of one, they can have any file shown: a folder above that only root can
// replace belongs into Reads then.
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

// sandbox adds the directives of the profile, and shows the application its own files.
func (o *Options) sandbox(s *syntax.Section) {
	for _, g := range o.Hardening() {
		s.Because(g.Why, g.Directives...)
	}
	why := "Its own files lie where others are hidden from it:"
	for _, p := range o.Shown() {
		s.Because(why, "BindReadOnlyPaths="+syntax.QuotePath(p))
		why = ""
	}
}
