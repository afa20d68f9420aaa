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

// unreachable says why the user of an application, a name or a number, can't get at a file;
// "" if it can. Without a user it is somebody whom nothing belongs to.
func unreachable(path, name string) string {
	uid, groups := -1, []string(nil)
	if name != "" {
		fields, ok := account("", "passwd", name)
		if !ok || len(fields) < 4 {
			return fmt.Sprintf("there is no user %s on this machine yet: adduser --system --group %s", name, name)
		}
		if fields[2] == "0" {
			return ""
		}
		uid, _ = strconv.Atoi(fields[2])
		groups, _ = (&user.User{Username: fields[0], Uid: fields[2], Gid: fields[3]}).GroupIds()
		groups = append(groups, fields[3])
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
