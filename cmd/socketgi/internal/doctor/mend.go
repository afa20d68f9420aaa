package doctor

import (
	"fmt"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// dropIn is a command that adds lines to a unit, as "systemctl edit" would.
func dropIn(unit, section string, lines ...string) string {
	dir := "/etc/systemd/system/" + unit + ".d"
	return fmt.Sprintf(`mkdir -p %s && printf '[%s]\n%s\n' >> %s/socketgi.conf && systemctl daemon-reload`,
		shell(dir), section, strings.ReplaceAll(strings.Join(lines, `\n`), "%", "%%"), shell(dir))
}

// relisten is a command that makes the socket as its unit says. systemd refuses to
// start a socket while its service runs.
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
