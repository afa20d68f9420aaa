package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
)

// webGroup finds the group of the web server.
func webGroup(h host.Host) string {
	for _, name := range []string{"www-data", "nginx", "http"} {
		if _, ok := account(h.Root, "group", name); ok {
			return name
		}
	}
	return "www-data"
}

// webUser finds the user of the web server, which is called as its group is nearly
// everywhere; "" for one that isn't here.
func webUser(h host.Host, group string) string {
	g, ok := account(h.Root, "group", group)
	if !ok {
		return ""
	}
	if _, ok := account(h.Root, "passwd", g[0]); !ok {
		return ""
	}
	return g[0]
}

// account looks a user (db passwd) or a group up, by name or number, and returns its
// fields. Those of this machine that are in no file - of LDAP, say - are asked for by
// getent(1): a program without libc has no other way.
func account(root, db, name string) (fields []string, ok bool) {
	path, err := rootfs.Inside(root, "/etc/"+db)
	if err != nil {
		return nil, false
	}
	text, _ := os.ReadFile(path)
	for line := range bytes.Lines(text) {
		f := strings.Split(strings.TrimSpace(string(line)), ":")
		if len(f) > 2 && (f[0] == name || f[2] == name) {
			return f, true
		}
	}
	if root != "" {
		return nil, false
	}
	out, err := exec.Command("getent", db, "--", name).Output()
	f := strings.Split(strings.TrimSpace(string(out)), ":")
	return f, err == nil && len(f) > 2
}

// isRoot tells whether an application runs as root, by whichever name; in a user's own systemd
// it runs as whoever says this.
func isRoot(h host.Host, user string) bool {
	if h.User {
		return os.Geteuid() == 0
	}
	if user == "" {
		return false
	}
	fields, ok := account(h.Root, "passwd", user)
	return ok && fields[2] == "0"
}

// checkAccounts tells which of the user and the group that units name are missing.
func checkAccounts(root, user, group string) error {
	if user != "" {
		if _, ok := account(root, "passwd", user); !ok {
			return noAccount("user", user, root, "adduser --system --group --no-create-home "+user)
		}
	}
	if group != "" {
		if _, ok := account(root, "group", group); !ok {
			return noAccount("group", group, root, "say with --group which one the web server is in, or install the web server first")
		}
	}
	return nil
}

func noAccount(kind, name, root, mend string) error {
	where := "here"
	if root != "" {
		where = "in " + root
	}
	return fmt.Errorf("there is no %s %s %s: %s", kind, name, where, mend)
}
