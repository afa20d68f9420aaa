package compose

import (
	"fmt"
	"os"
	"slices"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// AllowPeers sets the users whose requests the adapter serves: the web server's, and the given ones. The
// warning is for an unknown user of the web server.
func AllowPeers(h host.Host, o *appunits.Options, users []string) (warnings []string, err error) {
	if o.SeesPeers() {
		if web, ok := account.WebUser(h.Root, o.Group); ok {
			users = append([]string{web.Name}, users...)
		} else if len(users) == 0 {
			warnings = append(warnings, fmt.Sprintf("the user of the web server is unknown for the group %s: "+
				"requests of every user in that group are served; to restrict them use --allow-user", o.Group))
		}
	}
	for _, name := range users {
		user, ok := account.FindUser(h.Root, name)
		if !ok {
			return warnings, account.Missing("user", name, h.Root, "name another with --allow-user")
		}
		if !slices.Contains(o.Adapter.AllowUIDs, uint32(user.UID)) {
			o.Adapter.AllowUIDs = append(o.Adapter.AllowUIDs, uint32(user.UID))
		}
	}
	return warnings, nil
}

// RunsAsRoot reports whether an application runs as root, by name or number; in a user's service manager
// it runs as the user of this command.
func RunsAsRoot(h host.Host, user string) bool {
	if h.User {
		return os.Geteuid() == 0
	}
	u, ok := account.FindUser(h.Root, user)
	return ok && u.UID == 0
}
