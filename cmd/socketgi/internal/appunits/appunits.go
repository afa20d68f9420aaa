// Package appunits renders the units of an application that socketgi-adapter runs, by package units with
// the adapter's flags and directives.
package appunits

import (
	"errors"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/units"
)

// Options are those of the units and of the adapter.
type Options struct {
	units.Options
	// Adapter are the values of the adapter's command line; Exec is its path then. Cache is set to
	// [CachePath]. Default: Exec is another program.
	Adapter *adapter.Options
}

// Python reports whether the adapter runs Python, with cached code.
func (o *Options) Python() bool { return o.Adapter != nil && o.Adapter.WSGI() }

// CachePath is the directory of an application's cached code. Only root can write it: code that an
// application wrote there would run for every client.
func CachePath(name string) string { return "/var/cache/socketgi/" + name }

// RuntimePath is the directory of the slots of --concurrency.
func RuntimePath(name string) string { return "/run/" + runtimeDirectory(name) }

func runtimeDirectory(name string) string { return "socketgi-" + name }

// errNoPeers is the error for AllowUIDs if peers can't be identified.
var errNoPeers = errors.New("--allow-user needs socketgi-adapter and a unix socket, and not --profile strict, " +
	"which hides other users from the adapter: omit --allow-user")

// Units returns the options of package units.
func (o Options) Units() (units.Options, error) {
	u := o.Options
	if o.Adapter == nil || len(o.Exec) == 0 {
		return u, nil
	}
	if o.Adapter.AllowUIDs != nil && !o.SeesPeers() {
		return u, errNoPeers
	}
	u.ConditionFileIsExecutable = o.Exec[0]
	values := *o.Adapter
	if o.Python() && !o.UserManager {
		values.Cache = CachePath(o.Name)
	}
	u.Exec = append([]string{o.Exec[0]}, values.Arguments()...)
	u.Service = append(o.cacheDirectory(), o.directives()...)
	return u, nil
}

// Render renders the pair of units.
func (o Options) Render() (units.Pair, error) {
	u, err := o.Units()
	if err != nil {
		return units.Pair{}, err
	}
	return units.Render(u)
}

// RenderEach renders every variant of the pair for the versions of systemd.
func (o Options) RenderEach() ([]units.Pair, error) {
	u, err := o.Units()
	if err != nil {
		return nil, err
	}
	return units.RenderEach(u)
}

// cacheDirectory is the directory of cached code in a user's service manager.
func (o Options) cacheDirectory() []units.Group {
	if !o.Python() || !o.UserManager {
		return nil
	}
	return []units.Group{{Why: "Cached code.", Directives: []string{"CacheDirectory=socketgi/" + o.Name, "CacheDirectoryMode=0700"}}}
}

// outOfMemory lets the adapter live when its application is killed.
var outOfMemory = units.Group{Why: "The adapter survives when the application is killed for memory.", Directives: []string{"OOMPolicy=continue"}}

// directives returns the directives that the adapter needs.
func (o Options) directives() []units.Group {
	if !o.Warm {
		return []units.Group{
			{Why: "The locks of --concurrency.", Directives: []string{"RuntimeDirectory=" + runtimeDirectory(o.Name), "RuntimeDirectoryMode=0700", "RuntimeDirectoryPreserve=yes"}},
			outOfMemory,
		}
	}
	all := []units.Group{outOfMemory, {Why: "Running requests are finished first.", Directives: []string{"KillMode=mixed"}}}
	if o.Python() {
		if o.Profile != units.None {
			all = append(all, units.Group{Why: "The adapter takes over the connection of a worker that takes too long, to answer 504.",
				Directives: []string{"SystemCallFilter=pidfd_getfd"}})
		}
		all = append(all, units.Group{Why: "Reload loads the application beside the old one; it fails if that doesn't load.",
			Directives: []string{"ExecReload=" + units.CommandLine(o.Exec[:1]) + " --ask-reload $MAINPID"}})
	}
	return append(all, units.Group{Why: "Each request is a journal entry that must not be dropped; the adapter limits standard error.",
		Directives: []string{"LogRateLimitIntervalSec=0"}})
}
