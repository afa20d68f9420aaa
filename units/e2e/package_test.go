package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// makePackage builds a package of that version as the Makefile does, and returns its file.
func makePackage(t *testing.T, kind, version string) string {
	t.Helper()
	dir := filepath.Join(bin, version)
	made, _ := filepath.Glob(dir + "/*." + kind)
	if len(made) > 0 { // by another test
		return made[0]
	}
	cmd := exec.Command("make", "-C", "../..", kind, "OUT="+dir, "VERSION="+version)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "MAKE") && !strings.HasPrefix(e, "MFLAGS") { // without the variables of the make that runs the tests
			cmd.Env = append(cmd.Env, e)
		}
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	made, err = filepath.Glob(dir + "/*." + kind)
	require.NoError(t, err)
	require.Len(t, made, 1)
	return made[0]
}

// TestPackages checks the contents of the packages, and that Debian's checker has no complaint.
func TestPackages(t *testing.T) {
	files := []string{"/usr/bin/socketgi", "/usr/libexec/socketgi/socketgi-adapter", "/etc/nginx/socketgi_params",
		"/usr/share/bash-completion/completions/socketgi", "/usr/share/fish/vendor_completions.d/socketgi.fish",
		"/usr/share/man/man1/socketgi.1.gz", "/usr/share/man/man1/socketgi-add.1.gz", "/usr/share/man/man7/socketgi.7.gz", "/usr/share/man/man7/socketgi-webservers.7.gz",
		"/usr/share/man/man8/socketgi-adapter.8.gz", "/usr/share/doc/socketgi/README.md", "/usr/share/doc/socketgi/changelog.gz",
		"/usr/share/doc/socketgi/examples/hello.py", "/usr/share/doc/socketgi/examples/README",
		"/usr/share/doc/socketgi/examples/several-machines"}
	t.Run("changelog", func(t *testing.T) {
		ours, err := os.ReadFile("../../CHANGELOG.md")
		require.NoError(t, err)
		debians, err := os.ReadFile("../packaging/changelog")
		require.NoError(t, err)
		newest := regexp.MustCompile(`(?m)^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$`).FindStringSubmatch(string(ours))
		require.NotNil(t, newest, "CHANGELOG.md has no version")
		assert.Regexp(t, `^socketgi \(`+regexp.QuoteMeta(newest[1])+`-\d+\) `, string(debians), "that of the package, too")
	})
	m := machine.Boot(t)
	t.Run("deb", func(t *testing.T) {
		const deb = "/root/socketgi.deb"
		m.Install(makePackage(t, "deb", "0.1.0"), deb, 0o644)
		contents := m.Run("dpkg-deb", "--contents", deb)
		for _, file := range append(files, "/usr/share/doc/socketgi/copyright", "/usr/share/doc/socketgi/changelog.Debian.gz",
			"/usr/share/zsh/vendor-completions/_socketgi") {
			assert.Contains(t, contents, " ."+file+"\n")
		}
		assert.Equal(t, "/etc/nginx/socketgi_params\n", m.Run("dpkg-deb", "--info", deb, "conffiles"))
		assert.Equal(t, "0.1.0-1\n", m.Run("dpkg-deb", "--field", deb, "Version"))
		const dir = "/root/unpacked"
		m.Run("dpkg-deb", "--extract", deb, dir)
		assert.Contains(t, m.Run(dir+"/usr/bin/socketgi", "--version"), "socketgi 0.1.0\n")
		m.Run("lintian", "--allow-root", "--fail-on", "error,warning", deb)
	})
	t.Run("rpm", func(t *testing.T) {
		const rpm = "/root/socketgi.rpm"
		m.Install(makePackage(t, "rpm", "0.1.0"), rpm, 0o644)
		query := func(arg ...string) string { return m.Run("rpm", append([]string{"-qp"}, append(arg, rpm)...)...) }
		assert.Contains(t, m.Run("rpm", "-K", "--nosignature", rpm), "digests OK")
		contents := query("--list")
		for _, file := range append(files, "/usr/share/licenses/socketgi/LICENSE", "/usr/share/zsh/site-functions/_socketgi") {
			assert.Contains(t, contents, file+"\n")
		}
		for line := range strings.Lines(query("--qf", `[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILENAMES}\n]`)) {
			assert.Regexp(t, `^(-rw-r--r--|-rwxr-xr-x|drwxr-xr-x) root root /`, line)
			// Directories of the distribution must not have another owner.
			assert.NotRegexp(t, `^d.* /usr/(bin|libexec|share|share/man.*)\n`, line)
		}
		assert.Equal(t, "/etc/nginx/socketgi_params\n", query("--configfiles"))
		assert.Equal(t, "socketgi 0.1.0 1 MIT", query("--qf", "%{NAME} %{VERSION} %{RELEASE} %{LICENSE}"))
		assert.Regexp(t, `(?s)postinstall.*preuninstall.*postuninstall`, query("--scripts"))
		assert.Contains(t, query("--requires"), "systemd\n")
	})
}

// TestPackage installs the package, upgrades and downgrades it during requests, and removes it.
func TestPackage(t *testing.T) {
	s := newSite(t)
	s.Run("rm", "-rf", "/usr/local/bin/socketgi", "/usr/local/lib/socketgi")
	s.Run("rm", "-f", "/var/lib/man-db/auto-update") // the index of manuals is not needed here
	s.Install(makePackage(t, "deb", "0.1.0"), "/root/one.deb", 0o644)
	s.Install(makePackage(t, "deb", "0.1.1"), "/root/two.deb", 0o644)
	s.app("article.py")
	s.app("flaskapp.py")
	s.Write("/srv/paths.cgi", "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n%s|%s' \"$SCRIPT_NAME\" \"$PATH_INFO\"\n")
	s.Run("chmod", "755", "/srv/paths.cgi")
	s.Run("mkdir", "-p", "/etc/nginx/apps")
	s.Run("dpkg", "-i", "/root/one.deb")
	assert.Contains(t, s.Run("socketgi", "--version"), "socketgi 0.1.0\n")
	for name, arg := range map[string][]string{
		"cold":  {"/srv/article.py", "--python", "/usr/bin/python3", "--user", "www-data", "--mount", "/cold"},
		"stays": {"/srv/flaskapp.py", "--python", "/usr/bin/python3", "--mount", "/stays", "--accept", "no", "--workers", "2"},
		"paths": {"--cgi", "--user", "www-data", "--", "/srv/paths.cgi"},
	} {
		s.Run("socketgi", append([]string{"add", name, "--now"}, arg...)...)
		if name != "paths" {
			s.Write("/etc/nginx/apps/"+name+".conf", s.Run("socketgi", "nginx", name))
		}
	}
	assert.Contains(t, s.Run("cat", "/etc/systemd/system/cold@.service"), "\nExecStart=/usr/libexec/socketgi/socketgi-adapter ")
	s.Write("/etc/nginx/apps/paths.conf", `location / {
	include socketgi_params;
	scgi_pass unix:/run/socketgi/paths.sock;
}
location ~ ^(?<prefix>/below)(?<rest>/.*)$ {
	include socketgi_params;
	scgi_param SCRIPT_NAME $prefix;
	scgi_param PATH_INFO $rest;
	scgi_pass unix:/run/socketgi/paths.sock;
}
`)
	s.restartNginx()
	assert.Equal(t, "|/a b", s.get("/a%20b").body)
	assert.Equal(t, "/below|/a", s.get("/below/a").body)

	served := map[string]int{}
	under := func(what string, do func()) {
		t.Helper()
		over := make(chan struct{})
		var wg sync.WaitGroup
		var mu sync.Mutex
		for url, page := range map[string]string{"/cold/": "Hello world!\n", "/stays/": "Flask here"} {
			for range 2 {
				wg.Add(1)
				go func() {
					defer wg.Done()
					for n := 0; ; n++ {
						got := s.get(url)
						assert.Equal(t, 200, got.StatusCode, "%s %s: %s", what, url, got.body)
						assert.Equal(t, page, got.body)
						select {
						case <-over:
							mu.Lock()
							served[what] += n
							mu.Unlock()
							return
						default:
						}
					}
				}()
			}
		}
		do()
		close(over)
		wg.Wait()
	}
	cached := func() string {
		t.Helper()
		for line := range strings.Lines(s.Run("sh", "-c", "stat -c '%u %A %n' /var/cache/socketgi/cold/* /var/cache/socketgi/stays/*")) {
			assert.Regexp(t, "^0 -rw-r--r-- /var/cache/socketgi/(cold|stays)/(start-|interface\n$)", line)
		}
		return s.Run("stat", "-c", "%i %n", "/var/cache/socketgi/cold", "/var/cache/socketgi/stays")
	}
	programs := func() string {
		return s.Run("sh", "-c", "readlink /proc/$(systemctl show -p MainPID --value stays)/exe")
	}
	for _, step := range []struct{ file, version string }{{"two", "0.1.1"}, {"one", "0.1.0"}} {
		before := cached()
		under(step.version, func() { s.Run("dpkg", "-i", "/root/"+step.file+".deb") })
		assert.Contains(t, s.Run("socketgi", "--version"), "socketgi "+step.version+"\n")
		assert.NotEqual(t, before, cached(), "cached code is compiled again")
		assert.Equal(t, "/usr/libexec/socketgi/socketgi-adapter\n", programs(), "and not one that is deleted")
		assert.Positive(t, served[step.version])
	}

	// Another Python, or another version of a module that applications import.
	before := cached()
	s.Run("dpkg-trigger", "--by-package=python3", "--no-await", "/usr/lib/python3")
	s.Run("dpkg", "--configure", "--pending")
	assert.NotEqual(t, before, cached())

	s.Run("systemctl", "stop", "paths.socket")

	// After the removal no socket listens, not even after a boot, and no unit has failed.
	out := s.Run("dpkg", "-r", "socketgi")
	assert.Contains(t, out, "socketgi: stopping cold.socket; its units are kept")
	listens := func(cold, stays, paths string) {
		t.Helper()
		out, _ := s.Try("systemctl", "is-active", "cold.socket", "stays.socket", "paths.socket")
		assert.Equal(t, []string{cold, stays, paths}, strings.Fields(out))
		assert.Equal(t, "enabled\nenabled\nenabled\n", s.Run("systemctl", "is-enabled", "cold.socket", "stays.socket", "paths.socket"))
		assert.Empty(t, s.Run("systemctl", "--failed", "--plain", "--no-legend"))
	}
	listens("inactive", "inactive", "inactive")
	s.Run("systemctl", "start", "cold.socket", "stays.socket", "paths.socket")
	listens("inactive", "inactive", "inactive")
	assert.Equal(t, 502, s.get("/cold/").StatusCode)
	assert.DirExists(t, s.Path("/var/cache/socketgi/cold"))

	// After another installation the states are the same: the third application was stopped by hand.
	s.Run("dpkg", "-i", "/root/two.deb")
	listens("active", "active", "inactive")
	assert.Equal(t, "Hello world!\n", s.get("/cold/").body)
	assert.Equal(t, "Flask here", s.get("/stays/").body)
	assert.NoFileExists(t, s.Path("/var/lib/socketgi"))

	s.Run("dpkg", "-P", "socketgi")
	left := strings.Fields(s.Run("sh", "-c", "find /etc /usr /var/lib /var/cache -path /var/lib/dpkg -prune -o -name '*socketgi*' -print"))
	assert.Empty(t, left, "but the operator's units")
	assert.FileExists(t, s.Path("/etc/systemd/system/cold.socket"))
}
