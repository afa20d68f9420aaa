// Package account looks up users and groups: in the files of this machine or of a system in a directory,
// and on this machine in the other sources of NSS, such as LDAP.
package account

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/rootfs"
)

// User is a user (passwd(5)).
type User struct {
	Name string
	// UID is its number, GID that of its own group.
	UID, GID int
}

// Group is a group (group(5)).
type Group struct {
	Name string
	GID  int
}

// FindUser looks up a user by name or number; ok is false if there is none. root is the directory of
// another system, "" for this one.
func FindUser(root, name string) (u User, ok bool) {
	fields, ok := find(root, "passwd", name)
	if !ok || len(fields) < 4 {
		return User{}, false
	}
	u.Name, u.UID = fields[0], number(fields[2])
	u.GID = number(fields[3])
	return u, u.UID >= 0 && u.GID >= 0
}

// FindGroup looks a group up as FindUser does a user.
func FindGroup(root, name string) (g Group, ok bool) {
	fields, ok := find(root, "group", name)
	if !ok {
		return Group{}, false
	}
	g.Name, g.GID = fields[0], number(fields[2])
	return g, g.GID >= 0
}

// number is -1 for an invalid number.
func number(s string) int {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return -1
	}
	return int(n)
}

// find returns the fields of an entry of a database. Entries in no file are looked up by getent(1), since
// this program doesn't link libc.
func find(root, db, name string) (fields []string, ok bool) {
	if name == "" {
		return nil, false
	}
	path, err := rootfs.Inside(root, "/etc/"+db)
	if err != nil {
		return nil, false
	}
	text, _ := os.ReadFile(path)
	for line := range bytes.Lines(text) {
		if f := strings.Split(strings.TrimSpace(string(line)), ":"); len(f) > 2 && (f[0] == name || f[2] == name) {
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

// Groups are the numbers of all groups of a user of this machine, its own first.
func (u User) Groups() []int {
	all := []int{u.GID}
	add := func(gid int) {
		if gid >= 0 && !slices.Contains(all, gid) {
			all = append(all, gid)
		}
	}
	text, _ := os.ReadFile("/etc/group")
	for line := range bytes.Lines(text) {
		f := strings.Split(strings.TrimSpace(string(line)), ":")
		if len(f) > 3 && slices.Contains(strings.Split(f[3], ","), u.Name) {
			add(number(f[2]))
		}
	}
	out, err := exec.Command("getent", "initgroups", "--", u.Name).Output() // the name, then numbers
	if f := strings.Fields(string(out)); err == nil && len(f) > 1 {
		for _, gid := range f[1:] {
			add(number(gid))
		}
	}
	return all
}

// UserName is the name of a user of this machine, or the number of one without a name.
func UserName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, ok := FindUser("", id); ok {
		return u.Name
	}
	return id
}

// GroupName is the name of a group as UserName is that of a user.
func GroupName(gid uint32) string {
	id := strconv.FormatUint(uint64(gid), 10)
	if g, ok := FindGroup("", id); ok {
		return g.Name
	}
	return id
}

// WebGroup finds the group of the web server, by default www-data.
func WebGroup(root string) string {
	for _, name := range []string{"www-data", "nginx", "http"} {
		if _, ok := FindGroup(root, name); ok {
			return name
		}
	}
	return "www-data"
}

// WebUser finds the user of the web server, which mostly has the name of its group.
func WebUser(root, group string) (u User, ok bool) {
	g, ok := FindGroup(root, group)
	if !ok {
		return User{}, false
	}
	return FindUser(root, g.Name)
}

// Check returns an error if the user or the group of units is missing; "" is none.
func Check(root, user, group string) error {
	if _, ok := FindUser(root, user); user != "" && !ok {
		return Missing("user", user, root, "adduser --system --group --no-create-home "+user)
	}
	if _, ok := FindGroup(root, group); group != "" && !ok {
		return Missing("group", group, root, "use --group GROUP, or install the web server first")
	}
	return nil
}

// Missing is the error for a missing user or group (kind), with its mend.
func Missing(kind, name, root, mend string) error {
	where := "on this machine"
	if root != "" {
		where = "in " + root
	}
	return fmt.Errorf("no %s %s %s: %s", kind, name, where, mend)
}
