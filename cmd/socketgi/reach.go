package main

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// unreachable says why the user of an application can't get at a file, "" if it can.
// Without a user it is somebody whom nothing belongs to.
func unreachable(path, name string) string {
	uid, groups := -1, []string(nil)
	if name != "" {
		u, err := user.Lookup(name)
		if err != nil {
			return fmt.Sprintf("there is no user %s on this machine yet: adduser --system --group %s", name, name)
		}
		if u.Uid == "0" {
			return ""
		}
		uid, _ = strconv.Atoi(u.Uid)
		groups, _ = u.GroupIds()
	}
	who := name
	if who == "" {
		who = "the application's user"
	}
	want := os.FileMode(4) // to read the file itself
	for p := path; p != "" && p != "."; p = filepath.Dir(p) {
		info, err := os.Stat(p)
		if err != nil {
			return "" // it may be there on the machine that gets the units
		}
		st := info.Sys().(*syscall.Stat_t)
		mode := info.Mode().Perm()
		switch {
		case int(st.Uid) == uid:
			mode >>= 6
		case slices.Contains(groups, strconv.Itoa(int(st.Gid))):
			mode >>= 3
		}
		if mode&want == 0 {
			return fmt.Sprintf("%s can't get at %s: %s belongs to somebody else and has mode %04o", who, path, p, info.Mode().Perm())
		}
		if p == "/" {
			break
		}
		want = 1 // to go through a directory
	}
	return ""
}
