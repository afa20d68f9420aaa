package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// A mend that changes a file keeps a copy, and restores it if nginx or systemd refuses the result.

// systemDir is the directory of the operator's units.
const systemDir = "/etc/systemd/system/"

// guarded returns a command that changes a file, and restores it if the proof fails.
func guarded(file, change, proof string) string {
	file = shell(file)
	return fmt.Sprintf(`old=$(mktemp) && cp %[1]s "$old" && { %[2]s && %[3]s || { cat "$old" > %[1]s; false; }; }`, file, change, proof)
}

// sed returns a command that edits a file.
func sed(file, script string) string {
	return "sed -i --follow-symlinks " + shell(script) + " " + shell(file)
}

// verifies returns a command that fails if systemd refuses the application's units.
func verifies(app *host.Application) string {
	return "systemd-analyze verify --man=no " + shell(app.Socket.Path) + " " + shell(app.Service.Path)
}

// editUnit returns a command that edits a unit file or a drop-in with sed, and reloads it.
func editUnit(app *host.Application, file, script string) string {
	return guarded(file, sed(file, script), verifies(app)) + " && systemctl daemon-reload && " + relisten(app)
}

// dropIn returns a command that sets directives of a unit, in the operator's drop-in that sets one of them if
// there is one: the last assignment is in effect.
func dropIn(app *host.Application, u *host.Unit, section string, lines ...string) string {
	const own = "socketgi.conf"
	file := systemDir + u.Name + ".d/" + own
	for _, path := range u.DropIns { // the last one that sets one of these, or else ours
		for _, line := range lines {
			name, _, _ := strings.Cut(line, "=")
			if slices.ContainsFunc(u.Everything(), func(s host.Setting) bool { return s.File == path && s.Section == section && s.Name == name }) && (strings.HasPrefix(path, "/etc/") || strings.Contains(path, "/.config/systemd/user/")) {
				file = path
			}
		}
	}
	text := fmt.Sprintf(`printf '[%s]\n%s\n' >> %s`, section, strings.ReplaceAll(strings.ReplaceAll(strings.Join(lines, `\n`), "%", "%%"), "'", `'\''`), shell(file))
	if slices.Contains(u.DropIns, file) {
		return guarded(file, text, verifies(app)) + " && systemctl daemon-reload"
	}
	dir := strings.TrimSuffix(file, "/"+own)
	return fmt.Sprintf(`mkdir -p %s && { %s && %s || { rm -f %s; false; }; } && systemctl daemon-reload`, shell(dir), text, verifies(app), shell(file))
}

// relisten returns a command that restarts the socket. systemd refuses that while its service runs.
func relisten(app *host.Application) string {
	restart := "systemctl restart " + app.Socket.Name
	if app.Warm {
		return "systemctl stop " + app.Service.Name + " && " + restart
	}
	return restart
}

// shell quotes a word for sh.
func shell(s string) string {
	plain := func(c rune) bool {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("@%+=:,./_-", c)
	}
	if s != "" && strings.IndexFunc(s, func(c rune) bool { return !plain(c) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
