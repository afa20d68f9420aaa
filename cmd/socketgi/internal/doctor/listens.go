package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
)

// checkListens checks the state of the socket unit, and its file.
func checkListens(ctx context.Context, x *examination, app *host.Application) (f findings) {
	socket, err := x.of(ctx, app.Socket.Name, "Socket")
	if err != nil {
		f.unchecked(failure.Text(err), "")
	} else {
		socketState(app, socket, &f)
	}
	if app.Listen != "" && app.Listen[0] == '/' && (socket == nil || socket.Text("ActiveState") == "active") {
		socketFile(app, socket, &f)
	}
	if !f.wrong() {
		f.ok("systemd listens at " + app.Listen + ", also after a boot")
	}
	return f
}

// failures explains results of a socket unit.
var failures = map[string]string{
	"trigger-limit-hit":       "more connections than TriggerLimitBurst= allows arrived within TriggerLimitIntervalSec=",
	"service-start-limit-hit": "its service was started more often than StartLimitBurst= allows",
	"resources":               "a resource is missing, such as its user, its group or the directory of the path",
	"exit-code":               "one of its commands failed",
}

// socketState judges the properties of the socket.
func socketState(app *host.Application, socket manager.Properties, f *findings) {
	name := app.Socket.Name
	enabled := slices.Contains([]string{"enabled", "alias", "indirect", "generated"}, socket.Text("UnitFileState"))
	state := socket.Text("ActiveState")
	if _, port, err := net.SplitHostPort(app.Listen); err == nil && state != "active" {
		if who := holder(port); who != "" {
			f.fail("stranger-listens", who+" listens at "+app.Listen+", not systemd", "requests reach that program", "").Do =
				"stop that program or give it another port, then: systemctl reset-failed " + name + "; systemctl start " + name
			return
		}
	}
	switch state {
	case "active":
	case "failed":
		result := socket.Text("Result")
		why := failures[result]
		if why == "" {
			why = "for the reason: journalctl -u " + name
		}
		f.fail("socket-failed", name+" has failed: "+result, why, "systemctl reset-failed "+name+" && systemctl start "+name)
	default:
		start := "systemctl start " + name
		if !enabled {
			start = "systemctl enable --now " + name
		}
		f.fail("socket-stopped", name+" is stopped ("+state+")", "nothing listens: the web server answers 502", start)
	}
	if !enabled {
		f.warn("socket-disabled", name+" is not enabled ("+socket.Text("UnitFileState")+")", "after the next boot nothing listens", "systemctl enable "+name)
	}
}

// socketFile compares the file of the socket with the directives of its unit.
func socketFile(app *host.Application, socket manager.Properties, f *findings) {
	info, err := os.Lstat(app.Listen)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.fail("socket-gone", app.Listen+" does not exist", "the file of the socket was removed, or never created: no client can connect", relisten(app))
		return
	case err != nil:
		f.unchecked(failure.Text(err), "sudo socketgi doctor "+app.Name)
		return
	case info.Mode().Type() != fs.ModeSocket:
		f.fail("socket-replaced", app.Listen+" is no socket", "another file has taken its place", "rm "+shell(app.Listen)+" && "+relisten(app))
		return
	}
	if socket == nil {
		return
	}
	if mode, want := info.Mode().Perm(), fs.FileMode(socket.Number("SocketMode")); mode != want {
		f.warn("socket-mode", fmt.Sprintf("%s has mode %04o, but SocketMode= is %04o", app.Listen, mode, want),
			"it was changed by hand: the next start of the socket restores it", relisten(app))
	}
	st := info.Sys().(*syscall.Stat_t)
	for _, c := range []struct {
		what, want string
		id         uint32
	}{
		{"user", userID(socket.Text("SocketUser")), st.Uid},
		{"group", groupID(socket.Text("SocketGroup"), socket.Text("SocketUser")), st.Gid},
	} {
		if got := strconv.Itoa(int(c.id)); c.want != "" && got != c.want {
			f.warn("socket-owner", fmt.Sprintf("%s belongs to the %s %s, but the unit has %s", app.Listen, c.what, got, c.want),
				"it was changed by hand: the next start of the socket restores it", relisten(app))
		}
	}
}

// userID returns the user id for a name or number in a unit, "" for an unknown one.
func userID(name string) string {
	if name == "" {
		return "0"
	}
	if u, ok := account.FindUser("", name); ok {
		return strconv.Itoa(u.UID)
	}
	if _, err := strconv.Atoi(name); err == nil {
		return name
	}
	return ""
}

// groupID is userID for a group; the default is the primary group of the owner.
func groupID(name, owner string) string {
	if name == "" {
		if u, ok := account.FindUser("", owner); ok {
			return strconv.Itoa(u.GID)
		}
		return "0"
	}
	if g, ok := account.FindGroup("", name); ok {
		return strconv.Itoa(g.GID)
	}
	if _, err := strconv.Atoi(name); err == nil {
		return name
	}
	return ""
}
