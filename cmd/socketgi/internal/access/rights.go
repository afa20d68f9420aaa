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

// Rights are the kernel's IDs of a user and its groups.
type Rights struct {
	Name     string
	UID, GID int
	Groups   []int
}

// RightsOf returns the rights of a user. A group replaces the user's primary group.
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

// Do calls what with these rights for file access. Other rights than those of this process require root.
//
// The call has a thread of its own, because fsuid, fsgid and groups belong to a thread in Linux. The thread
// ends with the goroutine that is locked to it, so nothing else runs in it. A change of fsuid from 0 to
// another user drops the capabilities that override modes (capabilities(7)).
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
			if got, _ := unix.SetfsuidRetUid(-1); got != r.UID { // -1 only queries
				return fmt.Errorf("setfsuid: %w", unix.EPERM)
			}
			return what()
		}()
	}()
	return <-done
}

// Obstacle returns the first directory on a path that these rights don't permit to search, or the path itself
// if there is none.
func (r *Rights) Obstacle(path string) string {
	found := path
	_ = r.Do(func() error {
		dir := "/"
		for _, segment := range strings.Split(strings.Trim(filepath.Dir(path), "/"), "/") {
			dir = filepath.Join(dir, segment)
			var st unix.Stat_t
			if unix.Stat(dir+"/.", &st) == unix.EACCES { // the dot requires permission to search
				found = dir
				return nil
			}
		}
		return nil
	})
	return found
}
