package e2e

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestClaims has add claim files of another user, and files that the application had before.
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

	// Directories of another user.
	s.Run("install", "-D", "-m", "644", "/dev/null", "/var/lib/precious/data")
	refused("/var/lib/precious exists and is not the data of an earlier application precious", "precious", "--user", "www-data", "--state", "--now")
	refused("/var/lib/precious exists", "precious", "--state", "--now", "--force")
	refused("/var/lib/dpkg exists", "dpkg", "--user", "www-data", "--state")
	s.Run("install", "-D", "-m", "644", "/dev/null", "/var/cache/socketgi/kept/notes")
	refused("/var/cache/socketgi/kept/notes is in a directory of cached code, but is none", "kept")
	s.Run("chown", "www-data", "/var/lib/precious", "/var/lib/precious/data")
	added("precious", "--user", "www-data", "--state")

	// An application owns its files even after a change of its user.
	added("book", "--state")
	s.Run("touch", "/var/lib/book/signed")
	out, err := s.operator("remove", "book", "--now")
	require.NoError(t, err, "%s", out)
	added("book", "--state", "--user", "www-data")
	out, err = s.operator("remove", "book", "--now")
	require.NoError(t, err, "%s", out)
	added("book", "--state")
	assert.FileExists(t, s.Path("/var/lib/private/book/signed"))

	// A check creates a directory, too.
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
	refused("/run/socketgi/taken.sock exists and doesn't belong to taken", "taken", "--now", "--force")
	refused("book already listens at /run/socketgi/book.sock (/etc/systemd/system/book.socket)", "other", "--listen", "/run/socketgi/book.sock")

	// Units for another application with the same path, written by hand: that one gets it back.
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

// TestLinksInTheSandbox has a user replace files of their application that the sandbox shows by links:
// systemd follows links as root.
func TestLinksInTheSandbox(t *testing.T) {
	s := newSite(t)
	s.Run("sh", "-ec", `useradd --create-home mallory
mkdir -p /root/open; chmod 700 /root; chmod 755 /root/open; echo secret > /root/open/file; chmod 644 /root/open/file`)
	s.Write("/home/mallory/app/app.py", `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    try:
        return [open("/home/mallory/extra/file", "rb").read()]
    except OSError as e:
        return [repr(e).encode()]
`)
	s.Run("sh", "-ec", `cd /home/mallory; lib=app/venv/lib/$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')/site-packages
mkdir -p app/venv/bin $lib extra; echo harmless > extra/file; echo 'home = /usr/bin' > app/venv/pyvenv.cfg; ln -s /usr/bin/python3 app/venv/bin/python
echo /home/mallory/extra > $lib/extra.pth; chown -R mallory: .; chmod 755 .`)
	out, err := s.operator("add", "app", "/home/mallory/app/app.py", "--user", "mallory", "--profile", "strict", "--now")
	require.NoError(t, err, "%s", out)
	assert.Contains(t, out, "all of /home/mallory is visible to it")
	assert.Contains(t, s.Run("/usr/local/bin/socketgi", "get", "app", "/"), "harmless")
	s.Run("sh", "-ec", "cd /home/mallory; mv extra away; ln -s /root/open extra")
	out, _ = s.Try("/usr/local/bin/socketgi", "get", "app", "/")
	assert.NotContains(t, out, "secret")
	assert.Contains(t, out, "Error")

	// A dynamic user has a /tmp of its own, where the owner of a directory can replace it.
	s.Run("cp", "-a", "/home/mallory/app", "/tmp/app")
	out, err = s.operator("add", "other", "/tmp/app/app.py", "--python", "/usr/bin/python3")
	assert.Error(t, err)
	assert.Contains(t, out, "/tmp/app can't be made visible in the sandbox: another user than root could replace it by a link")
	s.Run("chown", "-R", "root:", "/tmp/app")
	out, err = s.operator("add", "other", "/tmp/app/app.py", "--python", "/usr/bin/python3")
	assert.NoError(t, err, "%s", out)
}

// TestUnremovable has an application create nested directories, while it is loaded and during a request.
func TestUnremovable(t *testing.T) {
	s := newSite(t)
	s.Write("/srv/deep.py", `import os, sys
def deep():
    os.chdir(os.environ["RUNTIME_DIRECTORY"])
    for _ in range(int(open("/srv/depth").read())):
        if not os.path.exists("d"):
            os.mkdir("d")
        os.chdir("d")
deep()
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"deep"]
`)
	s.Write("/srv/depth", "0")
	before := s.listing()
	out, err := s.operator("add", "app", "/srv/deep.py", "--python", "/usr/bin/python3", "--user", "www-data", "--concurrency", "5", "--now")
	require.NoError(t, err, "%s", out)
	// systemd itself gives up at some depth.
	s.Write("/srv/depth", "30000")
	s.Run("/usr/local/bin/socketgi", "get", "app", "/")
	out, err = s.operator("refresh", "app")
	require.NoError(t, err, "%s", out)
	assert.NoDirExists(t, s.Path("/run/socketgi-app@check"))
	out, err = s.operator("remove", "app", "--now")
	require.NoError(t, err, "%s", out)
	s.Write("/srv/depth", "0")
	assert.Empty(t, changes(before, s.listing()))
}
