package install

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/appunits"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
	"github.com/socketgi/socketgi/scgi/wsgi"
	"github.com/socketgi/socketgi/units"
	"golang.org/x/sys/unix"
)

// Paths of an application must not belong to another: systemd changes the owner of a directory, replaces
// any file at the path of a socket, and prefers units in /etc.

// claims checks that all paths of a pair are unused, or the application's own.
func (a *Add) claims(pair units.Pair) error {
	if err := a.claimSocket(pair); err != nil {
		return err
	}
	if a.Options.State {
		if err := a.claimState(); err != nil {
			return err
		}
	}
	if a.caches() {
		path := appunits.CachePath(a.Options.Name)
		if err := codeOnly(path); err != nil {
			return fmt.Errorf("%w: move it, or choose another name than %s", err, a.Options.Name)
		}
	}
	return nil
}

// claimSocket checks that nothing else listens at the application's address.
func (a *Add) claimSocket(pair units.Pair) error {
	own, err := a.Host.WithDropIns(pair.SocketName, pair.Socket)
	if err != nil {
		return err
	}
	listen := a.Host.Listen(own)
	var before []string // its present addresses
	for _, other := range a.Host.Listeners() {
		if other.Name == pair.SocketName {
			before = other.Listen
			continue
		}
		for _, l := range listen {
			if slices.ContainsFunc(other.Listen, func(o string) bool { return a.Host.Collide(l, o) }) {
				return fmt.Errorf("%s already listens at %s (%s): choose another --listen, or remove it first",
					strings.TrimSuffix(other.Name, ".socket"), l, other.Path)
			}
		}
	}
	if a.Host.Root != "" {
		return nil
	}
	for _, l := range listen {
		if l[0] != '/' || slices.ContainsFunc(before, func(b string) bool { return a.Host.Collide(l, b) }) {
			continue
		}
		if _, err := os.Lstat(l); err == nil {
			return fmt.Errorf("%s exists and doesn't belong to %s: systemd would replace it. "+
				"Choose another --listen, or remove it if it is unused (ss -xlp)", l, a.Options.Name)
		}
	}
	return nil
}

// stateDirs are the possible paths of the directory of --state, in its system.
func stateDirs(h host.Host, name string) []string {
	if !h.User {
		// The directory of a dynamic user is in private, with a symbolic link to it.
		return []string{"/var/lib/" + name, "/var/lib/private/" + name}
	}
	var dirs []string
	if config, err := os.UserConfigDir(); err == nil { // until systemd 253
		dirs = append(dirs, filepath.Join(config, name))
	}
	state := os.Getenv("XDG_STATE_HOME")
	if home, err := os.UserHomeDir(); state == "" && err == nil {
		state = filepath.Join(home, ".local/state")
	}
	return append(dirs, filepath.Join(state, name))
}

// claimState checks that the directory of --state belongs to the application: systemd would change the
// owner of all files in it.
func (a *Add) claimState() error {
	name := a.Options.Name
	if a.hadState() {
		return nil
	}
	for _, dir := range stateDirs(a.Host, name) {
		real, err := rootfs.Inside(a.Host.Root, dir)
		if err != nil {
			return err
		}
		info, err := os.Stat(real)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return err
		case isMarked(a.Host, real, name):
			continue
		}
		if st := info.Sys().(*syscall.Stat_t); !a.Host.User && a.Options.User != "" && a.user.UID > 0 && int(st.Uid) == a.user.UID && info.IsDir() {
			continue // its user owns it already
		}
		who, mend := "a dynamic user", "run it as the owner of the directory (--user)"
		if a.Options.User != "" {
			who, mend = a.Options.User, "to give it to "+a.Options.User+": chown -R "+a.Options.User+" "+real
		} else if a.Host.User {
			who, mend = "it", "move it away, run add, and move its contents back"
		}
		return fmt.Errorf("%s exists and is not the data of an earlier application %s: --state would give it to %s. "+
			"Choose another name, or %s", real, name, who, mend)
	}
	return nil
}

// hadState reports whether the application exists and has its directory.
func (a *Add) hadState() bool {
	for _, service := range []string{"@.service", ".service"} {
		u, err := a.Host.Unit(a.Options.Name + service)
		if err == nil && u.Has("X-Socketgi") && slices.Contains(strings.Fields(strings.Join(u.All("Service", "StateDirectory"), " ")), a.Options.Name) {
			return true
		}
	}
	return false
}

// dropState removes the empty directory of --state that systemd made for a check. A non-empty one is kept
// for the application.
func (a *Add) dropState() {
	for _, dir := range slices.Backward(stateDirs(a.Host, a.Options.Name)) { // the symbolic link last
		err := os.Remove(dir)
		if errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) {
			_ = mark(a.Host, dir, a.Options.Name)
			return
		}
	}
}

// stateThere reports whether there is such a directory.
func (a *Add) stateThere() bool {
	return slices.ContainsFunc(stateDirs(a.Host, a.Options.Name), func(dir string) bool {
		_, err := os.Lstat(dir)
		return err == nil
	})
}

// The data of a removed application is marked with its name in an extended attribute that only root can
// set (xattr(7)), for when it is added again.
const rootMark, userMark = "trusted.socketgi", "user.socketgi"

func marks(h host.Host) []string {
	switch {
	case h.User:
		return []string{userMark}
	case os.Geteuid() != 0: // with --root on own files
		return []string{rootMark, userMark}
	}
	return []string{rootMark}
}

func mark(h host.Host, dir, name string) (err error) {
	for _, attribute := range marks(h) {
		if err = unix.Setxattr(dir, attribute, []byte(name), 0); err == nil {
			return nil
		}
	}
	return os.NewSyscallError("setxattr", err)
}

func isMarked(h host.Host, dir, name string) bool {
	buf := make([]byte, 256)
	return slices.ContainsFunc(marks(h), func(attribute string) bool {
		n, err := unix.Getxattr(dir, attribute, buf)
		return err == nil && string(buf[:n]) == name
	})
}

// codeOnly checks that a directory has cached code only, or does not exist.
func codeOnly(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a directory of cached code", path)
	}
	entries, err := os.ReadDir(path)
	for _, e := range entries {
		if !wsgi.IsCacheFile(e.Name()) && !isUnfinished(e.Name()) && e.Name() != host.InterfaceFile {
			return fmt.Errorf("%s is in a directory of cached code, but is none", filepath.Join(path, e.Name()))
		}
	}
	return err
}

// isUnfinished reports whether a file is incomplete cached code:
// start-HEX-HEX.PID and start-HEX-HEX.code.PID.
func isUnfinished(name string) bool {
	i := strings.LastIndexByte(name, '.')
	return i > 0 && name[i+1:] != "" && strings.Trim(name[i+1:], "0123456789") == "" && wsgi.IsCacheFile(name[:i])
}
