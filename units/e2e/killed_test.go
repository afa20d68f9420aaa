package e2e

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestKilledCommand kills commands during their check of an application, and checks that the next command
// finds no remains.
func TestKilledCommand(t *testing.T) {
	s := newSite(t)
	script := s.app("article.py")
	s.Run("mkdir", "-p", "/var/lib/private")
	const slow = "open('/srv/open/started', 'w').close()\nimport time\ntime.sleep(1000)\n"
	s.Write("/srv/slow.py", slow)
	killed := func(arg ...string) {
		t.Helper()
		s.Run("rm", "-f", "/srv/open/started")
		cmd := s.Command("/usr/local/bin/socketgi", arg...)
		require.NoError(t, cmd.Start())
		s.Wait("the application to be loaded", func() error { _, err := os.Stat(s.Path("/srv/open/started")); return err })
		s.Run("pkill", "-KILL", "-x", "socketgi")
		assert.Error(t, cmd.Wait())
	}
	left := func() string {
		out, _ := s.Try("sh", "-c", "ls -d /run/.socketgi-* /run/systemd/system/app@* /run/socketgi-app@* 2>/dev/null; systemctl list-units --all --plain --no-legend 'app@*.service'; pgrep -f slow[.]py")
		return out
	}
	for name, accept := range map[string]string{"each": "yes", "stays": "no"} {
		flags := []string{"--python", "/usr/bin/python3", "--accept", accept, "--user", "www-data"}
		t.Run(name, func(t *testing.T) {
			before := s.listing()
			killed(append([]string{"add", "app", "/srv/slow.py"}, flags...)...)
			assert.Contains(t, left(), "/run/systemd/system/app@check.service", "this is what there is to tidy")
			out, err := s.operator(append([]string{"add", "app", script}, flags...)...)
			require.NoError(t, err, "%s", out)
			assert.Empty(t, left())

			s.Write("/srv/article.py", slow)
			killed("refresh", "app")
			out, err = s.operator("remove", "app")
			require.NoError(t, err, "%s", out)
			assert.Empty(t, left())

			s.app("article.py")
			out, err = s.operator(append([]string{"add", "app", script}, flags...)...)
			require.NoError(t, err, "%s", out)
			s.Write("/srv/article.py", slow)
			killed("doctor", "app")
			s.app("article.py")
			out, err = s.operator("refresh", "app")
			require.NoError(t, err, "%s", out)
			assert.Empty(t, left())
			out, err = s.operator("remove", "app")
			require.NoError(t, err, "%s", out)
			assert.Empty(t, changes(before, s.listing()))
		})
	}
}
