package machine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// groups makes control groups for the machine, below that of this process: two
// machines in the same one take each other's services' groups for empty ones of their
// own, and remove them. It returns their folders, in the hierarchies that systemd uses.
func (m *Machine) groups(name string) (dirs []string) {
	m.t.Helper()
	own, err := os.ReadFile("/proc/self/cgroup")
	require.NoError(m.t, err)
	for line := range strings.Lines(string(own)) {
		// hierarchy-ID:controller-list:cgroup-path (cgroups(7))
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		root := "/sys/fs/cgroup"
		switch {
		case len(parts) < 3:
			continue
		case parts[1] == "name=systemd":
			root += "/systemd"
		case parts[1] != "":
			continue
		default:
			if _, err := os.Stat(root + "/unified"); err == nil {
				root += "/unified"
			}
		}
		dir := filepath.Join(root, parts[2], name)
		require.NoError(m.t, os.Mkdir(dir, 0o755))
		dirs = append(dirs, dir)
	}
	m.t.Cleanup(func() {
		for _, dir := range dirs {
			m.Wait("the machine's control groups to be empty", func() error { return removeGroup(dir) })
		}
	})
	return dirs
}

// removeGroup removes a control group with those below it.
func removeGroup(dir string) error {
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			all = append(all, path)
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, path := range slices.Backward(all) {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return err
}
