package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/failure"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"golang.org/x/sys/unix"
)

// checkConnect connects as the web server's user and closes the connection, which is not logged.
func checkConnect(ctx context.Context, x *examination, app *host.Application) (f findings) {
	if app.Listen == "" || app.Listen[0] != '/' {
		d := net.Dialer{Timeout: 5 * time.Second}
		c, err := d.DialContext(ctx, "tcp", app.Listen)
		if err != nil {
			f.fail("connect-refused", failure.Text(err), "the web server answers 502", relisten(app))
			return f
		}
		c.Close()
		checkPeers(ctx, x, app, &f)
		if !f.wrong() {
			f.ok("every user of this machine can connect to " + app.Listen)
		}
		return f
	}
	if x.host.User {
		if checkSession(x, app, &f); f.failed() {
			return f
		}
	}
	if x.web.userErr != nil {
		f.unchecked("the web server's user: "+failure.Text(x.web.userErr), "")
		return f
	}
	if !x.root && x.web.user.UID != os.Geteuid() {
		f.unchecked("only root can try to connect as "+x.web.user.Name, "sudo socketgi doctor "+app.Name)
		return f
	}
	peer := 0
	err := x.web.user.Do(func() (err error) {
		peer, err = probe(app.Listen)
		return err
	})
	switch {
	case err == nil && peer > 1:
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", peer))
		f.fail("stranger-listens", fmt.Sprintf("process %d (%s) listens at %s, not systemd", peer, strings.TrimSpace(string(comm)), app.Listen),
			"requests reach that program", relisten(app))
	case err == nil:
		checkPeers(ctx, x, app, &f)
		if !f.wrong() {
			f.ok("the web server's user " + x.web.user.Name + " can connect")
		}
	case errors.Is(err, unix.EACCES):
		refused(x.web.user, app, &f)
	case errors.Is(err, unix.ENOENT):
		f.unchecked(app.Listen+": no such file", "")
	case errors.Is(err, unix.ECONNREFUSED):
		f.fail("connect-refused", "nothing listens at "+app.Listen, "the socket's file exists, but the socket is closed: the web server answers 502", relisten(app))
	case errors.Is(err, unix.EAGAIN):
		f.fail("backlog-full", "no more connections wait at "+app.Listen+" (Backlog=)", "connections arrive faster than the service accepts them; the web server answers 502", "").Do =
			"find the cause: journalctl -n 20 -u " + app.Socket.Name
	default:
		f.unchecked("connecting as "+x.web.user.Name+": "+failure.Text(err), "")
	}
	return f
}

// probe connects, and returns the process that listens.
func probe(path string) (peer int, err error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		return 0, os.NewSyscallError("connect", err)
	}
	// The process that called listen(2), 0 if it is invisible here.
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0, nil
	}
	return int(cred.Pid), nil
}

// refused finds the file or directory that denies access to the web server's user.
func refused(web *access.Rights, app *host.Application, f *findings) {
	const why = "the web server answers 502, and its error log has Permission denied"
	where := web.Obstacle(app.Listen)
	info, err := os.Stat(where)
	if err != nil {
		f.fail("connect-denied", fmt.Sprintf("%s may not connect to %s", web.Name, app.Listen), why, "").Do = "check modes and access lists (getfacl): namei -l " + shell(app.Listen)
		return
	}
	if where != app.Listen {
		f.fail("folder-denied", fmt.Sprintf("%s may not enter %s, which has mode %04o", web.Name, where, info.Mode().Perm()), why, "chmod a+x "+shell(where))
		return
	}
	group := web.Name
	if g, ok := account.FindGroup("", fmt.Sprint(web.GID)); ok {
		group = g.Name
	}
	f.fail("socket-denied", fmt.Sprintf("%s may not connect to %s, which has %s and mode %04o", web.Name, where, owner(info), info.Mode().Perm()), why,
		dropIn(app, app.Socket, "Socket", "SocketGroup="+group, "SocketMode=0660")+" && "+relisten(app))
}

// owner returns the names of the user and the group of a file.
func owner(info os.FileInfo) string {
	st := info.Sys().(*syscall.Stat_t)
	return "user " + account.UserName(st.Uid) + ", group " + account.GroupName(st.Gid)
}
