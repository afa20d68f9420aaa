// Package hint writes the command lines that messages suggest.
package hint

import "github.com/socketgi/socketgi/cmd/socketgi/internal/host"

// Systemctl is how a command for the systemd of a host begins.
func Systemctl(h host.Host) string {
	if h.User {
		return "systemctl --user"
	}
	return "systemctl"
}

// Socketgi is a command of socketgi for the systemd of a host, such as "logs NAME".
func Socketgi(h host.Host, command string) string {
	if h.User {
		command += " --user-manager"
	}
	return "socketgi " + command
}
