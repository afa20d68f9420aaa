package doctor

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// checkPeers finds out whether the adapter lets the web server's user in.
func checkPeers(ctx context.Context, x *examination, app *host.Application, f *findings) {
	users := app.Allowed()
	if users == nil {
		return
	}
	const why = "the web server gets 403 for every request"
	flags := "--allow-uid or --allow-user, which say that only " + strings.Join(users, ", ") + " and root may talk to it"
	switch web := x.web.user; {
	case app.Listen == "" || app.Listen[0] != '/':
		f.fail("at "+app.Listen+" nobody can tell which user connects, and "+app.Service.Name+" has "+flags, why, reallow(app, ""))
	case x.ifThere(ctx, serviceOf(app), "Service").Yes("PrivateUsers"):
		f.fail("PrivateUsers= hides from "+app.Service.Name+" which user connects, and it has "+flags, why, reallow(app, ""))
	case web.UID != 0 && !slices.Contains(users, web.Name) && !slices.Contains(users, strconv.Itoa(web.UID)):
		with := "--allow-uid " + strings.TrimPrefix(app.Flag("allow-uid")+",", ",") + strconv.Itoa(web.UID) + " "
		if names := app.Flag("allow-user"); names != "" {
			with += "--allow-user " + names + " "
		}
		f.fail(app.Service.Name+" has "+flags+", and not "+web.Name, why, reallow(app, with))
	}
}

// allowFlags are those flags as they stand in ExecStart=.
var allowFlags = regexp.MustCompile(` --?allow-(uid|user)[= ][^ ]+`)

// reallow is a command that puts others in their place.
func reallow(app *host.Application, flags string) string {
	exec := app.Service.Get("Service", "ExecStart")
	if strings.ContainsAny(exec, "'\\\n@") || !allowFlags.MatchString(exec) { // more than a command of the shell can do well
		return "systemctl edit --full " + app.Service.Name
	}
	program, rest := host.CutProgram(allowFlags.ReplaceAllString(exec, ""))
	mend := dropIn(app.Service.Name, "Service", "ExecStart=", "ExecStart="+program+" "+flags+rest)
	if app.Warm {
		mend += " && systemctl try-restart " + app.Service.Name
	}
	return mend
}
