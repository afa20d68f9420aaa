package compose

import (
	"os"
	"path/filepath"
)

// webServers are the commands that print a configuration, with where the program and the process id of
// the web server are.
var webServers = []struct {
	command  string
	programs []string
	pids     []string
}{
	{"nginx", []string{"/usr/sbin/nginx", "/usr/bin/nginx"}, []string{"/run/nginx.pid"}},
	{"apache", []string{"/usr/sbin/apache2", "/usr/sbin/httpd"}, []string{"/run/apache2/apache2.pid", "/run/httpd/httpd.pid"}},
	{"lighttpd", []string{"/usr/sbin/lighttpd"}, []string{"/run/lighttpd.pid"}},
}

// WebServer is the command for the web server of the system in root: the one that runs, or else the first
// that is installed; "" for none.
func WebServer(root string) (command string) {
	there := func(paths []string) bool {
		for _, path := range paths {
			if _, err := os.Lstat(filepath.Join("/", root, path)); err == nil {
				return true
			}
		}
		return false
	}
	for _, w := range webServers {
		if !there(w.programs) {
			continue
		}
		if there(w.pids) {
			return w.command
		}
		if command == "" {
			command = w.command
		}
	}
	return command
}
