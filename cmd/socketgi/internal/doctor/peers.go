package doctor

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// checkPeers checks whether the adapter serves the web server's user.
func checkPeers(ctx context.Context, x *examination, app *host.Application, f *findings) {
	users := app.Allowed()
	if users == nil {
		return
	}
	if i := slices.IndexFunc(users, func(user string) bool { return strings.ContainsAny(user, "$%") }); i >= 0 {
		f.unchecked(app.Service.Name+": the users of "+users[i]+" are known to systemd only", "")
		return
	}
	const why = "the web server gets 403 for every request"
	flags := "--allow-uid or --allow-user for " + strings.Join(users, ", ") + " and root only"
	switch web := x.web.user; {
	case app.Listen == "" || app.Listen[0] != '/':
		f.fail("allow-uid-tcp", "at "+app.Listen+" the connecting user is unknown, and "+app.Service.Name+" has "+flags, why, "").reallow(app, open(app.Adapter))
	case x.ifThere(ctx, serviceOf(app), "Service").Yes("PrivateUsers"):
		f.fail("allow-uid-private-users", "PrivateUsers= hides the connecting user from "+app.Service.Name+", which has "+flags, why, "").reallow(app, open(app.Adapter))
	case web.UID != 0 && !slices.Contains(users, web.Name) && !slices.Contains(users, strconv.Itoa(web.UID)):
		o := app.Adapter
		o.AllowUIDs = append(slices.Clone(o.AllowUIDs), uint32(web.UID))
		f.fail("allow-uid", app.Service.Name+" has "+flags+", and not "+web.Name, why, "").reallow(app, o)
	}
}

// open returns the options without the restriction to users.
func open(o adapter.Options) adapter.Options {
	o.AllowUIDs, o.AllowUsers = nil, nil
	return o
}

// reallow mends a finding by changing the adapter's flags.
func (f *Finding) reallow(app *host.Application, o adapter.Options) {
	exec := app.Service.Get("Service", "ExecStart")
	if strings.ContainsAny(exec, "'\"\\\n@%$") { // quoting that a shell command would not survive
		f.Do = "change these flags of ExecStart=: systemctl edit --full " + app.Service.Name
		return
	}
	program, _ := host.CutProgram(exec)
	f.Mend = dropIn(app, app.Service, "Service", "ExecStart=", "ExecStart="+program+" "+strings.Join(o.Arguments(), " "))
	if app.Warm {
		f.Mend += " && systemctl try-restart " + app.Service.Name
	}
}
