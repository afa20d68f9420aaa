package e2e

import (
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// eachProfile runs a test with every sandbox of units.
func eachProfile(t *testing.T, test func(t *testing.T, profile string)) {
	for _, profile := range []string{"fast", "strict"} {
		t.Run(profile, func(t *testing.T) { test(t, profile) })
	}
}

// eachUnit runs a test with every sandbox, and with warm units. flags are those of the units.
func eachUnit(t *testing.T, test func(t *testing.T, flags ...string)) {
	eachProfile(t, func(t *testing.T, profile string) { test(t, "--profile", profile) })
	t.Run("stays", func(t *testing.T) { test(t, "--accept", "no", "--workers", "2") })
}

// TestExposure compares systemd's exposure levels of a request and of a warm service with those in the
// manual.
func TestExposure(t *testing.T) {
	s := newSite(t)
	manual, err := os.ReadFile("../../cmd/internal/manual/socketgi-security.7.md")
	require.NoError(t, err)
	for _, profile := range []string{"none", "fast", "strict"} {
		row := regexp.MustCompile(`(?m)^\| \*\*` + profile + `\*\*.* \| ([0-9.]+), [0-9.]+ ms \|$`).FindSubmatch(manual)
		require.NotNil(t, row, "socketgi-security(7) has a row for %s", profile)
		s.serve(profile, "sandbox.py", "/"+profile, "--user", "www-data", "--profile", profile)
		s.serve(profile+"-stays", "sandbox.py", "/"+profile+"-stays", "--user", "www-data", "--profile", profile, "--accept", "no")
		assert.Equal(t, string(row[1]), exposure(t, s.Machine, profile+"@0.service"), profile)
		if found := regexp.MustCompile(`([0-9.]+) with ` + profile).FindSubmatch(manual); found != nil { // none has no filter, and so no second level
			row = found
		}
		assert.Equal(t, string(row[1]), exposure(t, s.Machine, profile+"-stays.service"), profile)
	}
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", s.Leader))
	require.NoError(t, err)
	assert.Equal(t, own, s.get("/fast/namespace").body, "fast has no mount namespace: that is what makes it fast")
	assert.NotEqual(t, own, s.get("/strict/namespace").body)
}

// exposure returns systemd's exposure level of a service as if it had the default dependencies: without them,
// systemd leaves directives out of the level that protect nothing early in the boot.
func exposure(t testing.TB, m *machine.Machine, service string) string {
	m.Write("/run/systemd/system/"+service+".d/ordinary.conf", "[Unit]\nDefaultDependencies=yes\n")
	m.Run("systemctl", "daemon-reload")
	out, err := m.Try("systemd-analyze", "security", "--no-pager", service)
	found := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+) `).FindStringSubmatch(out)
	require.NotNil(t, found, "%v: %s", err, out)
	return found[1]
}

// try makes the sandboxed application do something, and returns the result.
func (s *site) try(mount, what, argument string) string {
	s.t.Helper()
	got := s.get(mount + "/" + what + "?" + url.PathEscape(argument))
	require.Equal(s.t, 200, got.StatusCode)
	return got.body
}

// TestNetwork connects to a listener on the loopback interface of the machine.
func TestNetwork(t *testing.T) {
	s := newSite(t)
	s.Run("ip", "link", "set", "lo", "up")
	s.Run("systemd-run", "--quiet", "--description=listener", "python3", "-c", `import socket, time
s = socket.create_server(("127.0.0.1", 0))
open("/run/listener", "w").write("127.0.0.1:%d" % s.getsockname()[1])
time.sleep(1000)`)
	var listener string
	s.Wait("the listener", func() error {
		text, err := os.ReadFile(s.Path("/run/listener"))
		listener = string(text)
		if err == nil && listener == "" {
			err = os.ErrNotExist
		}
		return err
	})
	s.serve("fast", "sandbox.py", "/fast")
	s.serve("strict", "sandbox.py", "/strict", "--profile", "strict")
	s.serve("network", "sandbox.py", "/network", "--profile", "strict", "--network")
	assert.Equal(t, "done", s.try("/fast", "connect", listener))
	assert.Contains(t, s.try("/strict", "connect", listener), "Address family not supported")
	assert.Equal(t, "done", s.try("/network", "connect", listener))

	// The sandbox restricts connections of the application, not the one that is passed to it.
	port := s.freePort()
	s.serve("address", "sandbox.py", "/address", "--profile", "strict", "--listen", port)
	s.Write("/etc/nginx/apps/address.conf", s.Run("/usr/local/bin/socketgi", "nginx", "address", "--mount", "/address", "--listen", port))
	s.start("address")
	assert.Contains(t, s.try("/address", "connect", listener), "Address family not supported")
}

// freePort returns an address of the machine without a listener.
func (s *site) freePort() string {
	return strings.TrimSpace(s.Run("python3", "-c", `import socket
print("127.0.0.1:%d" % socket.create_server(("127.0.0.1", 0)).getsockname()[1])`))
}

// TestFiles reads and writes files outside and inside the sandbox.
func TestFiles(t *testing.T) {
	s := newSite(t)
	s.Write("/home/somebody/secret", "")
	s.Run("chmod", "1777", "/home/somebody")
	for _, user := range []string{"www-data", ""} {
		name := "app" + user
		s.serve(name, "sandbox.py", "/"+name, "--profile", "strict", "--state", "--user", user)
		for _, path := range []string{"/srv/open/x", "/home/somebody/x", "/var/lib/x", "/etc/x"} {
			assert.Contains(t, s.try("/"+name, "write", path), "Error: ", path)
		}
		for _, path := range []string{"$STATE_DIRECTORY/x", "$RUNTIME_DIRECTORY/x", "/tmp/x", "/var/tmp/x", "/dev/shm/" + name} {
			assert.Equal(t, "done", s.try("/"+name, "write", path))
		}
		assert.FileExists(t, s.Path("/var/lib/"+name+"/x"))
		assert.NoFileExists(t, s.Path("/tmp/x"))
		assert.NoFileExists(t, s.Path("/var/tmp/x"))
		assert.Equal(t, "done", s.try("/"+name, "listing", "/home"), "no file of anybody is seen there")
		assert.Equal(t, "done", s.try("/"+name, "listing", "/tmp"))
		assert.Equal(t, "done", s.try("/"+name, "processes", ""))
	}
	s.serve("fast", "sandbox.py", "/fast", "--user", "www-data", "--profile", "fast")
	assert.Equal(t, "secret", s.try("/fast", "listing", "/home/somebody"), "fast hides no files")
	assert.Equal(t, "done", s.try("/fast", "write", "/srv/open/x"))
}

// TestHome serves applications from home and temporary directories, with all that they need; strict hides the
// rest of /home.
func TestHome(t *testing.T) {
	s := newSite(t)
	s.Write("/home/somebody/secret", "")
	s.Write("/home/lib/extra/extra.py", "where = __file__\n")
	s.Run("python3", "-m", "venv", "--without-pip", "/home/py/env")
	s.Run("sh", "-c", "echo /home/lib/extra > $(echo /home/py/env/lib/python3*/site-packages)/extra.pth")
	s.Run("ln", "-s", "/usr/bin/python3", "/home/lib/python")
	s.Run("ln", "-sf", "/home/lib/python", "/home/py/env/bin/python")
	file := `/home/somebody/a site: 100%h/app.py`
	s.Install("testdata/sandbox.py", file, 0o666)
	s.Install("testdata/sandbox.py", "/var/tmp/app/app.py", 0o644)
	s.Install("testdata/sandbox.py", "/tmp/app.py", 0o644)
	for name, args := range map[string][]string{
		"home":  {file, "--python", "/home/py/env/bin/python", "--profile", "strict"},
		"user":  {file, "--python", "/home/py/env/bin/python", "--profile", "strict", "--user", "www-data"},
		"tmp":   {"/var/tmp/app/app.py", "--python", "/home/py/env/bin/python", "--profile", "fast"},
		"right": {"/tmp/app.py", "--python", "/usr/bin/python3", "--profile", "strict"},
	} {
		t.Run(name, func(t *testing.T) {
			s.install(s.Run("/usr/local/bin/socketgi", append([]string{"units", name}, args...)...))
			s.Write("/etc/nginx/apps/"+name+".conf", s.Run("/usr/local/bin/socketgi", "nginx", name, "--mount", "/"+name))
			s.start(name)
			switch name {
			case "home", "user":
				assert.Equal(t, "a site: 100%h", s.try("/"+name, "listing", "/home/somebody"), "and nothing besides")
				assert.Equal(t, "lib py somebody", s.try("/"+name, "listing", "/home"))
				assert.Contains(t, s.try("/"+name, "write", "/home/somebody/x"), "Error: ")
				assert.Contains(t, s.try("/"+name, "write", file), "Read-only file system")
				fallthrough
			case "tmp":
				assert.Equal(t, "/home/lib/extra/extra.py", s.try("/"+name, "extra", ""))
			case "right":
				assert.Equal(t, "app.py", s.try("/"+name, "listing", "/tmp"))
				assert.Equal(t, "done", s.try("/"+name, "write", "/tmp/x"))
			}
		})
	}
}

// TestRings checks that io_uring doesn't bypass the filter of system calls, for sockets of any family.
func TestRings(t *testing.T) {
	s := newSite(t)
	s.serve("none", "sandbox.py", "/none", "--profile", "none")
	assert.Equal(t, "EFAULT", s.try("/none", "syscall", "425"), "this kernel has it")
	eachProfile(t, func(t *testing.T, profile string) {
		s.serve(profile, "sandbox.py", "/"+profile, "--profile", profile)
		for _, number := range []string{"425", "426", "427"} { // io_uring_setup, _enter and _register on all architectures
			assert.Equal(t, "EPERM", s.try("/"+profile, "syscall", number), number)
		}
	})
}

// TestDoors lists the system's sockets to which an application can connect. Other listeners stand in for the
// services.
func TestDoors(t *testing.T) {
	s := newSite(t)
	s.Run("systemctl", "start", "dbus.socket")
	// The sockets of a resolver and of a name service cache.
	s.Run("systemd-run", "--quiet", "--description=resolver", "python3", "-c", `import os, socket, threading
for path in ("/run/systemd/resolve/io.systemd.Resolve", "/run/nscd/socket", "/run/avahi-daemon/socket", "/run/database/socket"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chmod(path, 0o666)
    s.listen()
    threading.Thread(target=lambda s: [s.accept()[0].close() for _ in iter(int, 1)], args=[s]).start()
open("/run/listening", "w")`)
	s.Wait("the resolver", func() error { _, err := os.Stat(s.Path("/run/listening")); return err })
	const bus, names = "/run/dbus/system_bus_socket", "/run/avahi-daemon/socket /run/nscd/socket /run/systemd/resolve/io.systemd.Resolve"
	for name, c := range map[string]struct {
		flags       []string
		opens, shut string
	}{
		"fast":    {nil, bus + " " + names + " /run/database/socket", ""},
		"strict":  {[]string{"--profile", "strict"}, "/run/database/socket", bus + " " + names},
		"network": {[]string{"--profile", "strict", "--network"}, names + " /run/database/socket", bus},
		"user":    {[]string{"--profile", "strict", "--user", "www-data"}, "/run/database/socket", bus + " " + names},
	} {
		s.serve(name, "sandbox.py", "/"+name, c.flags...)
		got := strings.Fields(s.try("/"+name, "doors", "/run"))
		for _, path := range strings.Fields(c.opens) {
			assert.Contains(t, got, path, name)
		}
		for _, path := range strings.Fields(c.shut) {
			assert.NotContains(t, got, path, name)
		}
	}
}

// TestPrograms runs programs that applications and CGI programs commonly run.
func TestPrograms(t *testing.T) {
	s := newSite(t)
	eachProfile(t, func(t *testing.T, profile string) {
		s.serve(profile, "sandbox.py", "/"+profile, "--profile", profile)
		assert.Equal(t, "done", s.try("/"+profile, "compiler", ""), "writable and executable memory is not denied")
		for _, command := range []string{"bash -c 'echo good | cat'", "perl -e 'print \"good\\n\"'",
			"python3 -c 'import threading; t = threading.Thread(target=print, args=[\"good\"]); t.start(); t.join()'",
			"cd /tmp && touch -d yesterday x && mv x y && rm y && echo good"} {
			assert.Equal(t, "good\n", s.try("/"+profile, "run", command), command)
		}
		assert.NotEqual(t, "good\n", s.try("/"+profile, "run", "unshare --user echo good"))
	})
}
