package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// This file says who may talk to an application, by the user of the other side of a unix
// socket (SO_PEERCRED in unix(7)). Who may connect is the socket's mode and group, which
// is systemd's to set.

// peers are the users that may talk to the application, besides root, who can do all
// that it can; nil is everybody who can connect.
type peers []uint32

// check tells why who connected may not talk to the application. A connection that has no
// user is nobody's who may.
func (p peers) check(fd int) error {
	if p == nil {
		return nil
	}
	if domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || domain != unix.AF_UNIX {
		return errors.New("it comes over the network, where nobody can tell which user sent it: --allow-uid and --allow-user are for unix sockets, " +
			"take them out of the command line (for addresses there is IPAddressAllow= in the socket unit)")
	}
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	switch {
	case err != nil:
		return fmt.Errorf("which user sent it can't be found out: %w", os.NewSyscallError("getsockopt", err))
	case cred.Uid == 0 || slices.Contains(p, cred.Uid):
		return nil
	case hidden(cred.Uid):
		return errors.New("it comes from a user that this process can't see: where PrivateUsers= hides others, only the socket's mode and group " +
			"can say who may talk to it, take --allow-uid and --allow-user out of the command line")
	}
	return fmt.Errorf("it comes from user %d, who is not among those that may talk to this application: if that is wrong, "+
		"add %[1]d to --allow-uid (systemctl edit), or send it as root", cred.Uid)
}

// hidden tells whether a user is one that has no number in the user namespace of this
// process (user_namespaces(7)).
func hidden(uid uint32) bool {
	overflow, err := os.ReadFile("/proc/sys/kernel/overflowuid")
	if err != nil { // strict hides it; this is what it is unless somebody changed it
		overflow = []byte("65534")
	}
	if strings.TrimSpace(string(overflow)) != strconv.FormatUint(uint64(uid), 10) {
		return false
	}
	all, err := os.ReadFile("/proc/self/uid_map")
	return err == nil && !slices.Equal(strings.Fields(string(all)), []string{"0", "0", "4294967295"})
}

// parseUIDs reads the value of --allow-uid.
func parseUIDs(s string) (p peers, err error) {
	for word := range strings.SplitSeq(s, ",") {
		uid, err := strconv.ParseUint(word, 10, 32)
		if err != nil || uid == 1<<32-1 { // -1 is nobody's
			return nil, fmt.Errorf("%q is not the number of a user: write UID[,UID], and --allow-user for names", word)
		}
		p = append(p, uint32(uid))
	}
	return p, nil
}

// parseUsers reads the value of --allow-user. Package os/user reads the same file where a
// program is without libc, and costs each start.
func parseUsers(s, passwd string) (p peers, err error) {
	text, err := os.ReadFile(passwd)
	if err != nil {
		return nil, err
	}
	for name := range strings.SplitSeq(s, ",") {
		uid, ok := lookup(text, name)
		if !ok {
			return nil, fmt.Errorf("there is no user %q in %s; one that is somewhere else has a number for --allow-uid, which \"id -u\" prints", name, passwd)
		}
		p = append(p, uid)
	}
	return p, nil
}

func lookup(passwd []byte, name string) (uid uint32, ok bool) {
	for line := range bytes.Lines(passwd) {
		if f := strings.Split(string(line), ":"); len(f) > 2 && f[0] == name && name != "" {
			n, err := strconv.ParseUint(f[2], 10, 32)
			return uint32(n), err == nil
		}
	}
	return 0, false
}

// forbid answers a connection whose other side may not talk to the application. Nothing
// of what it sends is looked at.
func (r *request) forbid(why error) {
	r.log.write(prioWarning, "request refused with 403: "+why.Error(),
		field{"MESSAGE_ID", msgProblem}, field{"SOCKETGI_STATUS", "403"})
	refuse(r.conn, 403, "The request was refused: it doesn't come from the web server. The log says more.")
}
