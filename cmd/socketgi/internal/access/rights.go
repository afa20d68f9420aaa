// Package access checks which users can read, replace or write a file, by its modes, or by trying with a
// user's privileges.
package access

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/account"
	"golang.org/x/sys/unix"
)

// Rights are the kernel's ids of a user and its groups.
type Rights struct {
	Name     string
	UID, GID int
	Groups   []int
}

// RightsOf looks up those of a user. A group replaces the user's own.
func RightsOf(name, group string) (*Rights, error) {
	u, ok := account.FindUser("", name)
	if !ok {
		return nil, fmt.Errorf("there is no user %s", name)
	}
	r := &Rights{Name: name, UID: u.UID, GID: u.GID, Groups: u.Groups()}
	if group != "" {
		g, ok := account.FindGroup("", group)
		if !ok {
			return nil, fmt.Errorf("there is no group %s", group)
		}
		r.GID = g.GID
	}
	if !slices.Contains(r.Groups, r.GID) {
		r.Groups = append(r.Groups, r.GID)
	}
	return r, nil
}

// Do calls what with these rights for file access. That needs root, unless they are those of this
// process.
//
// It has a thread of its own, because these are properties of threads in Linux; the
// thread ends with the goroutine that it is locked to, so nothing else ever runs in it.
// Going from 0 to another fsuid takes away the capabilities that overrule modes
// (capabilities(7)).
func (r *Rights) Do(what func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- func() error {
			if r.UID == os.Geteuid() && r.UID != 0 {
				return what()
			}
			if err := unix.Setgroups(r.Groups); err != nil {
				return fmt.Errorf("setgroups: %w", err)
			}
			_ = unix.Setfsgid(r.GID)
			_ = unix.Setfsuid(r.UID)
			if got, _ := unix.SetfsuidRetUid(-1); got != r.UID { // -1 only asks
				return fmt.Errorf("setfsuid: %w", unix.EPERM)
			}
			return what()
		}()
	}()
	return <-done
}

// Obstacle returns the first folder on the way to a path that may not be entered, or
// the path itself when all of them may.
func (r *Rights) Obstacle(path string) string {
	found := path
	_ = r.Do(func() error {
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
