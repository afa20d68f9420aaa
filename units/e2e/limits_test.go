package e2e

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLimits adds a slice to applications, and removes it. These machines have no controllers, so the kernel
// enforces no limits.
func TestLimits(t *testing.T) {
	s := newSite(t)
	script := s.app("bad.py")
	s.Run("mkdir", "-p", "/etc/nginx/apps")
	add := func(name string, arg ...string) {
		t.Helper()
		out, err := s.operator(append([]string{"add", name, script, "--python", "/usr/bin/python3", "--user", "www-data", "--now", "--force", "--mount", "/" + name}, arg...)...)
		require.NoError(t, err, "%s", out)
	}
	slice := func(name string) string {
		return strings.Join(strings.Fields(s.Run("systemctl", "show", "-p", "MemoryMax,TasksMax,CPUWeight", "--value", name)), " ")
	}
	before := s.listing()
	for _, accept := range []string{"yes", "no"} {
		add("my-app", "--accept", accept, "--memory-max", "500M", "--tasks-max", "300", "--cpu-weight", "50")
		s.location("my-app")
		assert.Equal(t, "50 524288000 300", slice(`socketgi-my\x2dapp.slice`))
		resp, err := s.client.Get("http://localhost/my-app/wait")
		require.NoError(t, err)
		group := s.Run("sh", "-c", "cat /proc/$(pgrep -n -x socketgi-adapte)/cgroup")
		assert.Contains(t, group, `/socketgi.slice/socketgi-my\x2dapp.slice/my-app`)
		resp.Body.Close()
		out, err := s.operator("status", "my-app")
		assert.NoError(t, err, "%s", out)
		if accept == "yes" {
			out, err = s.operator("doctor", "my-app")
			assert.NoError(t, err, "%s", out)
		}
		add("my-app", "--accept", accept)
		assert.Equal(t, "good", s.get("/my-app/").body)
		assert.NoFileExists(t, s.Path(`/etc/systemd/system/socketgi-my\x2dapp.slice`))
		out, _ = s.Try("systemctl", "is-active", `socketgi-my\x2dapp.slice`)
		assert.Equal(t, "inactive\n", out)
		s.Run("rm", "/etc/nginx/apps/my-app.conf")
	}
	add("my-app", "--memory-max", "400M")
	assert.Contains(t, slice(`socketgi-my\x2dapp.slice`), "419430400")
	out, err := s.operator("remove", "my-app", "--now")
	require.NoError(t, err, "%s", out)
	for _, change := range changes(before, s.listing()) {
		assert.Contains(t, change, "/nginx/")
	}
	out, _ = s.Try("systemctl", "list-units", "--plain", "--no-legend", "socketgi-my*", "my-app*")
	assert.Empty(t, out)

	run, _ := s.userManager("somebody")
	out, err = run("/usr/local/bin/socketgi", "add", "mine", script, "--python", "/usr/bin/python3", "--user-manager", "--tasks-max", "50")
	require.NoError(t, err, "%s", out)
	assert.FileExists(t, s.Path("/home/somebody/.config/systemd/user/socketgi-mine.slice"))
	out, err = run("systemctl", "--user", "start", "mine.socket")
	require.NoError(t, err, "%s", out)
	out, err = run("/usr/local/bin/socketgi", "get", "mine", "/", "--user-manager")
	require.NoError(t, err, "%s", out)
	assert.Equal(t, "good", strings.TrimSpace(out))
	out, err = run("/usr/local/bin/socketgi", "remove", "mine", "--user-manager", "--now")
	require.NoError(t, err, "%s", out)
	assert.NoFileExists(t, s.Path("/home/somebody/.config/systemd/user/socketgi-mine.slice"))
}
