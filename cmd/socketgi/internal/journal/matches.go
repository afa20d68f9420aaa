package journal

import (
	"path/filepath"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
)

// Matches are those of an application's entries, and of systemd's about it. They match
// others, too: Entry.Of tells. journalctl's own way, -u 'NAME@*', looks for each instance
// that ever was, and with -f for no new one.
func Matches(a *host.Application) []string {
	if a.Warm {
		return []string{"_SYSTEMD_UNIT=" + a.Service.Name, "+", "_SYSTEMD_USER_UNIT=" + a.Service.Name,
			"+", "UNIT=" + a.Service.Name, "UNIT=" + a.Socket.Name, "+", "USER_UNIT=" + a.Service.Name, "USER_UNIT=" + a.Socket.Name}
	}
	identifier := a.Service.Get("Service", "SyslogIdentifier")
	if identifier == "" {
		identifier = filepath.Base(a.Exec[0])
	}
	m := []string{"SYSLOG_IDENTIFIER=" + identifier}
	if a.UsesAdapter() && identifier != adapter.Program {
		m = append(m, "SYSLOG_IDENTIFIER="+adapter.Program)
	}
	// Of systemd notice and worse: less is not logged about instances.
	return append(m, "+", "SYSLOG_IDENTIFIER=systemd", "PRIORITY=5", "PRIORITY=4", "PRIORITY=3", "PRIORITY=2", "PRIORITY=1", "PRIORITY=0",
		"+", "UNIT="+a.Socket.Name, "+", "USER_UNIT="+a.Socket.Name,
		"+", "MESSAGE_ID="+SpawnFailed)
}
