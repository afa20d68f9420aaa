package doctor

import (
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"golang.org/x/sys/unix"
)

// lingering is logind's directory of users whose service managers run without a session (loginctl(1)).
const lingering = "/var/lib/systemd/linger/"

// checkSession has the checks for a user's service manager.
func checkSession(x *examination, app *host.Application, f *findings) {
	if me, err := user.Current(); err == nil {
		if _, err := os.Stat(lingering + me.Username); os.IsNotExist(err) {
			f.warn("linger", "the service manager of "+me.Username+" ends with their last session", "nothing listens afterwards, nor after a boot", "loginctl enable-linger")
		}
	}
	if x.web.user == nil || !strings.HasPrefix(app.Listen, "/") {
		return
	}
	if dir := closed(x.web.user, filepath.Dir(app.Listen)); dir != "" {
		f.fail("folder-denied", x.web.user.Name+" may not enter "+dir+", in which "+app.Listen+" is", "the web server answers 502, and its error log has Permission denied", "").Do =
			"listen at a port: socketgi add --user-manager --listen 127.0.0.1:PORT; modes of " + dir + " are reset with each session"
	}
}

// closed returns the first directory on a path whose mode denies entering, "" for none. Directories with
// access lists count as open.
func closed(r *access.Rights, dir string) (first string) {
	for ; ; dir = filepath.Dir(dir) {
		var st unix.Stat_t
		if n, err := unix.Lgetxattr(dir, "system.posix_acl_access", nil); err == nil && n > 0 || unix.Stat(dir, &st) != nil {
			return first
		}
		bit := uint32(syscall.S_IXOTH)
		switch {
		case int(st.Uid) == r.UID:
			bit = syscall.S_IXUSR
		case slices.Contains(r.Groups, int(st.Gid)):
			bit = syscall.S_IXGRP
		}
		if st.Mode&bit == 0 {
			first = dir
		}
		if dir == "/" {
			return first
		}
	}
}

// ofUser changes a command for the system's service manager to this user's.
func (x *examination) ofUser(command string) string {
	dir, err := x.host.Dir()
	if err != nil {
		return command
	}
	return strings.NewReplacer("systemctl ", "systemctl --user ", "systemd-analyze verify", "systemd-analyze --user verify", systemDir, dir+"/").Replace(command)
}
