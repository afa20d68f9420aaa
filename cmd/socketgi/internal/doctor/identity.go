package doctor

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// identity is a user with its groups, as the kernel sees them.
type identity struct {
	name     string
	uid, gid int
	groups   []int
}

// lookup finds a user. With a group it has that one in place of its own.
func lookup(name, group string) (*identity, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	id := &identity{name: name}
	id.uid, _ = strconv.Atoi(u.Uid)
	id.gid, _ = strconv.Atoi(u.Gid)
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return nil, err
		}
		id.gid, _ = strconv.Atoi(g.Gid)
	}
	list, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		if n, err := strconv.Atoi(s); err == nil {
			id.groups = append(id.groups, n)
		}
	}
	if !slices.Contains(id.groups, id.gid) {
		id.groups = append(id.groups, id.gid)
	}
	return id, nil
}

// do runs something with the rights to files that this user has. Only root can, unless
// it is who runs this program.
//
// It has a thread of its own, because these are properties of threads in Linux; the
// thread ends with the goroutine that it is locked to, so nothing else ever runs in it.
// Going from 0 to another fsuid takes away the capabilities that overrule modes
// (capabilities(7)).
func (id *identity) do(what func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- func() error {
			if id.uid == os.Geteuid() && id.uid != 0 {
				return what()
			}
			if err := unix.Setgroups(id.groups); err != nil {
				return fmt.Errorf("setgroups: %w", err)
			}
			_ = unix.Setfsgid(id.gid)
			_ = unix.Setfsuid(id.uid)
			if got, _ := unix.SetfsuidRetUid(-1); got != id.uid { // -1 only asks
				return fmt.Errorf("setfsuid: %w", unix.EPERM)
			}
			return what()
		}()
	}()
	return <-done
}

// obstacle returns the first folder on the way to a path that may not be entered, or
// the path itself when all of them may.
func (id *identity) obstacle(path string) string {
	found := path
	_ = id.do(func() error {
		dir := "/"
		for _, segment := range strings.Split(strings.Trim(filepath.Dir(path), "/"), "/") {
			dir = filepath.Join(dir, segment)
			var st unix.Stat_t
			if unix.Stat(dir+"/.", &st) == unix.EACCES { // which takes the right to search it
				found = dir
				return nil
			}
		}
		return nil
	})
	return found
}
