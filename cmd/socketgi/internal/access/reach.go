package access

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
)

// Unreachable returns the reason why a user, given by name or number, can't read a file, from the modes on
// its path; "" if it can. "" is a user that owns no file and has no group.
func Unreachable(path, name string) string {
	uid, groups := -1, []int(nil)
	if name != "" {
		u, ok := account.FindUser("", name)
		if !ok {
			return fmt.Sprintf("no user %s on this machine: adduser --system --group %s", name, name)
		}
		if u.UID == 0 {
			return ""
		}
		uid, groups = u.UID, u.Groups()
	}
	who := name
	if who == "" {
		who = "the application's user"
	}
	want := os.FileMode(4) // to read the file
	for p := path; p != "" && p != "."; p = filepath.Dir(p) {
		info, err := os.Stat(p)
		if err != nil {
			return "" // it may exist on the machine of the units
		}
		st := info.Sys().(*syscall.Stat_t)
		mode := info.Mode().Perm()
		switch {
		case int(st.Uid) == uid:
			mode >>= 6
		case slices.Contains(groups, int(st.Gid)):
			mode >>= 3
		}
		if mode&want == 0 {
			return fmt.Sprintf("%s can't read %s: %s has another owner and mode %04o", who, path, p, info.Mode().Perm())
		}
		if p == "/" {
			break
		}
		want = 1 // to search a directory
	}
	return ""
}
