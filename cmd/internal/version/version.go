// Package version has the version of a program.
package version

import (
	"runtime/debug"
	"strings"
)

// Set by the Makefile (-ldflags -X), where Go itself doesn't know: it knows of what was
// installed with go install.
var release, commit string

// Release is the version, such as 0.1.0; "(devel)" if it is unknown.
func Release() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return strings.TrimPrefix(info.Main.Version, "v")
	}
	return "(devel)"
}

// Commit is that of the source, with "-dirty" behind it where files were changed, or
// "unknown".
func Commit() string {
	if commit != "" {
		return commit
	}
	found, changed := "unknown", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && len(s.Value) > 12:
				found = s.Value[:12]
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = "-dirty"
			}
		}
	}
	return found + changed
}
