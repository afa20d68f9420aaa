package access

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// needRoot skips a test that requires root.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root can try this")
		}
		t.Skip("only root can try this")
	}
}

func TestWritableByOthers(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	run := func(command string) {
		cmd := exec.Command("sh", "-ec", command)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	run(`mkdir mine theirs open sticky mine/in; chmod 777 open; chmod 1777 sticky; chown 1234 theirs
touch mine/app theirs/app open/app sticky/app sticky/theirs mine/theirs mine/group mine/root mine/all
chown 1234 mine/theirs sticky/theirs; chmod 664 mine/group mine/root; chgrp 1234 mine/group; chmod 646 mine/all
ln -s ../mine/app theirs/link; ln -s mine/app link; ln -s theirs/app out; ln -s mine/app away; chown -h 1234 away
ln -s $PWD/mine abs; ln -s loop loop; ln -s ../theirs/../mine/app mine/dots`)
	for path, want := range map[string]string{
		"mine/app": "", "mine/in": "", "mine": "", "link": "", "abs/app": "", "mine/root": "", "sticky/app": "", "nowhere/x": "",
		"theirs/app": "theirs", "open/app": "open", "open": "open", "sticky": "sticky", "sticky/theirs": "sticky/theirs",
		"mine/theirs": "mine/theirs", "mine/group": "mine/group", "mine/all": "mine/all", "theirs/link": "theirs", "out": "theirs",
		"away": "away", "loop": "loop", "mine/dots": "theirs",
	} {
		assert.Equal(t, want, strings.TrimPrefix(WritableByOthers(filepath.Join(dir, path)), dir+"/"), path)
	}
}

// TestRootOfOthers checks systems of which another user can replace parts.
func TestRootOfOthers(t *testing.T) {
	needRoot(t)
	for name, c := range map[string]struct{ spoil, want string }{
		"all of it":    {"chown 1234 image", "image/etc"},
		"above it":     {"chown 1234 .", "/image"},
		"folder":       {"chmod 777 image/etc/systemd", "image/etc/systemd/system"},
		"group":        {"chmod 775 image/etc; chgrp 1234 image/etc", "image/etc/systemd"},
		"link":         {"mv image/etc image/theirs; chown 1234 image/theirs; ln -s theirs image/etc", "image/theirs/systemd"},
		"sticky":       {"chmod 1777 image; chown -h 1234 image/etc", "image/etc"},
		"cache":        {"mkdir -p image/var/cache/socketgi; chown 1234 image/var/cache/socketgi", "image/var/cache/socketgi/x"},
		"root's":       {"true", ""},
		"application":  {"mkdir image/srv; chown 1234 image/srv", ""},
		"of sudo":      {"chown 4321:4321 image . image/etc; chmod 775 image", ""},
		"group of all": {"chmod 775 image", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SUDO_UID", "4321")
			t.Setenv("SUDO_GID", "4321")
			dir := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "image/etc/systemd/system"), 0o755))
			cmd := exec.Command("sh", "-ec", c.spoil)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			err = RootMayWrite(filepath.Join(dir, "image"))
			if c.want == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, c.want+". Give it to root")
			}
		})
	}
}
