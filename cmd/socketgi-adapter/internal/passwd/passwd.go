// Package passwd looks users up in /etc/passwd (passwd(5)). Package os/user reads the same
// file where a program is without libc, and costs each start.
package passwd

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// UIDs returns the numbers of users, which are in the file at path: /etc/passwd.
func UIDs(path string, names []string) (uids []uint32, err error) {
	if len(names) == 0 {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		uid, ok := lookup(text, name)
		if !ok {
			return nil, fmt.Errorf("--allow-user: %[2]s has no user %[1]q; for a user of another source, use --allow-uid with the number that \"id -u\" prints", name, path)
		}
		uids = append(uids, uid)
	}
	return uids, nil
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
