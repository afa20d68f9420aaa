package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// userManager starts a user's service manager, as logging in does with logind, and returns a function that
// runs a command as that user.
func (s *site) userManager(name string) (run func(arg ...string) (string, error), runtime string) {
	s.t.Helper()
	s.Run("useradd", "--create-home", name)
	uid := strings.TrimSpace(s.Run("id", "-u", name))
	runtime = "/run/user/" + uid
	s.Write("/etc/pam.d/systemd-user", "account required pam_permit.so\nsession required pam_permit.so\n")
	s.Write("/etc/systemd/system/user@.service.d/test.conf", "[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n")
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "start", "user@"+uid)
	return func(arg ...string) (string, error) {
		return s.Try("runuser", append([]string{"-u", name, "--", "env", "HOME=/home/" + name, "XDG_RUNTIME_DIR=" + runtime,
			"DBUS_SESSION_BUS_ADDRESS=unix:path=" + runtime + "/bus"}, arg...)...)
	}, runtime
}

// TestUserManager adds applications to a user's service manager, with every profile.
func TestUserManager(t *testing.T) {
	s := newSite(t)
	run, runtime := s.userManager("somebody")
	s.Install("testdata/sandbox.py", "/home/somebody/app/app.py", 0o644)
	s.Run("chown", "-R", "somebody:", "/home/somebody")
	s.Write("/srv/hello.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\nhello by CGI\\n'\n")
	s.Run("chmod", "755", "/srv/hello.cgi")
	files := func() string {
		return s.Run("sh", "-c", "cd /home/somebody && find . -not -path '*/__pycache__*' -printf '%p %y %u %m\\n' | sort; "+
			"cd "+runtime+" && find . -path './sock*' -o -path './.sock*' -o -path './systemd/user*'")
	}
	before := files()
	for _, profile := range []string{"none", "fast", "strict"} {
		t.Run(profile, func(t *testing.T) {
			args := []string{"/usr/local/bin/socketgi", "add", "app", "/home/somebody/app/app.py", "--python", "/usr/bin/python3",
				"--user-manager", "--profile", profile, "--now"}
			// This application has no page at /.
			out, err := run(args...)
			assert.Error(t, err)
			assert.Contains(t, out, "KeyError: ''")
			assert.NotContains(t, out, "undoing the changes")
			for _, change := range changes(before, files()) {
				assert.Regexp(t, `\.cache|\.local|\.config`, change)
			}
			out, err = run(args[:len(args)-1]...)
			require.NoError(t, err, "%s", out)
			out, err = run("systemctl", "--user", "start", "app.socket")
			require.NoError(t, err, "%s", out)

			out, err = run("/usr/local/bin/socketgi", "nginx", "app", "--user-manager")
			require.NoError(t, err, "%s", out)
			assert.Contains(t, out, "scgi_pass unix:"+runtime+"/socketgi/app.sock;")
			s.Write("/etc/nginx/apps/app.conf", out)
			s.Run("systemctl", "restart", "nginx")
			// nginx runs as another user, so everybody must be able to connect.
			s.Run("chmod", "755", runtime, runtime+"/socketgi")
			s.Run("chmod", "666", runtime+"/socketgi/app.sock")
			got := s.try("", "write", "/home/somebody/app/x")
			if profile == "strict" {
				assert.Contains(t, got, "Error: ")
				assert.Contains(t, s.try("", "connect", "127.0.0.1:1"), "Address family not supported")
			} else {
				assert.Equal(t, "done", got)
				require.NoError(t, os.Remove(s.Path("/home/somebody/app/x")))
			}
			if profile != "none" {
				assert.NotEqual(t, "good\n", s.try("", "run", "unshare --user echo good"))
			}
			s.Run("chmod", "700", runtime)
			s.Run("chmod", "600", runtime+"/socketgi/app.sock")

			out, err = run("/usr/local/bin/socketgi", "remove", "app", "--user-manager", "--now")
			require.NoError(t, err, "%s", out)
			for _, change := range changes(before, files()) {
				assert.Regexp(t, `^\+ \./\.(cache|local|config)`, change)
			}
		})
	}
	t.Run("cgi", func(t *testing.T) {
		out, err := run("/usr/local/bin/socketgi", "add", "cgi", "--cgi", "--user-manager", "--now", "--", "/srv/hello.cgi")
		require.NoError(t, err, "%s", out)
		assert.Contains(t, out, "cgi answers: 200 OK")
		out, err = run("/usr/local/bin/socketgi", "remove", "cgi", "--user-manager", "--now")
		require.NoError(t, err, "%s", out)
	})
	out, err := run("/usr/local/bin/socketgi", "add", "cgi", "--cgi", "--", "/srv/hello.cgi")
	assert.Error(t, err)
	assert.Contains(t, out, "run it as root (sudo), or use --user-manager for your own service manager")
}
