package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestClaims has add take what is somebody else's, and what the application had before.
func TestClaims(t *testing.T) {
	s := newSite(t)
	script := s.app("article.py")
	s.app("unloadable.py")
	s.Run("mkdir", "-p", "/var/lib/private")
	add := func(name, file string, arg ...string) (string, error) {
		return s.operator(append([]string{"add", name, file, "--python", "/usr/bin/python3"}, arg...)...)
	}
	refused := func(want, name string, arg ...string) {
		t.Helper()
		before := s.listing()
		out, err := add(name, script, arg...)
		assert.Error(t, err, "%s", out)
		assert.Contains(t, out, want)
		assert.Empty(t, changes(before, s.listing()))
	}
	added := func(name string, arg ...string) {
		t.Helper()
		out, err := add(name, script, append(arg, "--now")...)
		require.NoError(t, err, "%s", out)
	}

	// Directories of somebody else.
	s.Run("install", "-D", "-m", "644", "/dev/null", "/var/lib/precious/data")
	refused("/var/lib/precious is there, and not of an application precious", "precious", "--user", "www-data", "--state", "--now")
	refused("/var/lib/precious is there", "precious", "--state", "--now", "--force")
	refused("/var/lib/dpkg is there", "dpkg", "--user", "www-data", "--state")
	s.Run("install", "-D", "-m", "644", "/dev/null", "/var/cache/socketgi/kept/notes")
	refused("/var/cache/socketgi/kept/notes is in a directory of cached code, and is none", "kept")
	s.Run("chown", "www-data", "/var/lib/precious", "/var/lib/precious/data")
	added("precious", "--user", "www-data", "--state")

	// What an application leaves is its own, whoever it runs as then.
	added("book", "--state")
	s.Run("touch", "/var/lib/book/signed")
	out, err := s.operator("remove", "book", "--now")
	require.NoError(t, err, "%s", out)
	added("book", "--state", "--user", "www-data")
	out, err = s.operator("remove", "book", "--now")
	require.NoError(t, err, "%s", out)
	added("book", "--state")
	assert.FileExists(t, s.Path("/var/lib/private/book/signed"))

	// A check makes a directory, too.
	before := s.listing()
	for _, user := range []string{"", "www-data"} {
		out, err = add("broken", "/srv/unloadable.py", "--state", "--user", user)
		assert.Error(t, err)
		assert.Contains(t, out, "no_such_module_anywhere")
		assert.Empty(t, changes(before, s.listing()))
	}

	// Sockets.
	s.Run("systemd-run", "--quiet", "--description=listener", "python3", "-c", `import socket, time
s = socket.socket(socket.AF_UNIX)
s.bind("/run/socketgi/taken.sock")
s.listen()
time.sleep(1000)`)
	s.Wait("the listener", func() error { _, err := s.Try("test", "-S", "/run/socketgi/taken.sock"); return err })
	refused("/run/socketgi/taken.sock is there, and was not made for taken", "taken", "--now", "--force")
	refused("book listens at /run/socketgi/book.sock already (/etc/systemd/system/book.socket)", "other", "--listen", "/run/socketgi/book.sock")

	// Units that were written by hand for the path of another one: that has it again.
	s.install(s.Run("/usr/local/bin/socketgi", "units", "other", script, "--python", "/usr/bin/python3", "--listen", "/run/socketgi/book.sock"))
	s.Run("systemctl", "daemon-reload")
	s.Run("systemctl", "start", "other.socket")
	out, err = s.operator("remove", "other", "--now")
	require.NoError(t, err, "%s", out)
	assert.Contains(t, out, "restarted book.socket, which listens at the same place")
	out, err = s.operator("get", "book", "/")
	require.NoError(t, err, "%s", out)
	assert.Contains(t, out, "Hello world!")
}
