package machine

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Suites are the releases of Debian that images are made of, by the names that apt has for
// them: 12 (systemd 252, Python 3.11, nginx 1.22) and 13 (257, 3.13, 1.26).
var Suites = []string{"bookworm", "trixie"}

// Testing is the next release of Debian. Its image isn't booted: it has ruff for lint, and the newest Python.
const Testing = "forky"

// packages are the packages of a booted image besides Debian's essential ones.
var packages = []string{
	"adduser", "apache2", "awstats", "curl", "dbus", "dbus-user-session", "git", "iproute2", "libcgi-pm-perl", "lighttpd", "lighttpd-mod-openssl", "lintian", "mandoc",
	"nginx-light", "passwd", "procps", "python3", "python3-django", "python3-fastapi", "python3-flask", "python3-venv", "python3-websockets",
	"rpm", "systemd", "systemd-sysv", "util-linux",
}

// recipe returns the contents of the image of a suite: packages and more of them, the command that
// customizes it, and options of mmdebstrap(1).
func recipe(suite string, more []string) (list []string, hook string, options []string) {
	if suite == Testing {
		// A mirror may lag behind testing by more than the week for which its index is valid; the signature is
		// checked all the same.
		return []string{"python3", "ruff"}, "true", []string{`--aptopt=Acquire::Check-Valid-Until "false"`}
	}
	return slices.Concat(packages, more), customize, nil
}

// customize changes the tree $1 at the end: services start only in tests, the journal is kept, and no boot is the
// first one of a machine.
const customize = `rm -rf "$1"/etc/systemd/system/*.target.wants; mkdir -p "$1/var/log/journal"; chroot "$1" systemd-machine-id-setup`

// Suite is the one that SOCKETGI_SUITE names, the first of Suites where it is not set.
func Suite() string {
	if s := os.Getenv("SOCKETGI_SUITE"); s != "" {
		return s
	}
	return Suites[0]
}

// Image returns the root tree of a suite, with more packages than those that tests need. It is made
// when it is missing: that takes a minute or two, root, mmdebstrap and the sources of a Debian's apt. It lies in SOCKETGI_IMAGES, by default
// below the user's cache folder, under a name made of its recipe, and nothing is ever written
// to it again. Several may ask for it at once.
func Image(suite string, more ...string) (dir string, err error) {
	cache := os.Getenv("SOCKETGI_IMAGES")
	if cache == "" {
		if cache, err = os.UserCacheDir(); err != nil {
			return "", err
		}
		cache = filepath.Join(cache, "socketgi", "images")
	}
	list, hook, options := recipe(suite, more)
	sum := sha256.Sum256([]byte(strings.Join(slices.Concat(list, []string{suite, hook}, options), "\n")))
	dir = filepath.Join(cache, fmt.Sprintf("%s-%x", suite, sum[:6]))
	return dir, once(dir, func(unfinished string) error { return bootstrap(suite, more, unfinished) })
}

// once creates a missing directory, completely or not at all, even if several processes do so at once or one was
// interrupted before.
func once(dir string, create func(unfinished string) error) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err // another process has created it
	}
	unfinished := dir + ".new"
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	if err := create(unfinished); err != nil {
		return errors.Join(err, os.RemoveAll(unfinished))
	}
	return os.Rename(unfinished, dir)
}

// bootstrap makes a root tree from the sources that this machine's apt has, of another suite. What is mounted meanwhile is gone
// when it ends, however that is.
func bootstrap(suite string, more []string, dir string) error {
	sources, err := aptSources(suite)
	if err != nil {
		return err
	}
	list, hook, options := recipe(suite, more)
	cmd := exec.Command("unshare", "--mount", "--propagation", "private", "--",
		"mmdebstrap", "--quiet", "--variant=minbase", "--include="+strings.Join(list, ","), "--dpkgopt=force-unsafe-io",
		`--aptopt=Acquire::Languages "none"`, "--customize-hook="+hook)
	cmd.Args = append(append(cmd.Args, options...), suite, dir, "-")
	cmd.Stdin = strings.NewReader(sources)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("mmdebstrap of Debian's %s: %w\n%s", suite, err, out)
	}
	return nil
}

// aptSources returns the lines of sources.list(5) that this machine has for its own release
// of Debian, for another one.
func aptSources(suite string) (string, error) {
	release, err := exec.Command("sh", "-c", `. /etc/os-release && [ "$ID" = debian ] && printf %s "$VERSION_CODENAME"`).Output()
	if err != nil {
		return "", errors.New("images are made from the sources of a Debian's apt, and this is another system")
	}
	// Format of the lines: apt-get(8), indextargets.
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)",
		"Created-By: Packages", "Origin: Debian").Output()
	if err != nil {
		return "", fmt.Errorf("apt-get indextargets: %w", err)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		parts := strings.Fields(line)
		if len(parts) != 3 {
			continue
		}
		if rest, ok := strings.CutPrefix(parts[1], string(release)); ok && parts[2] == "main" {
			lines = append(lines, fmt.Sprintf("deb %s %s%s main\n", parts[0], suite, rest))
		}
	}
	if len(lines) == 0 {
		return "", fmt.Errorf("apt has no sources of Debian's %s: apt-get update", release)
	}
	return strings.Join(lines, ""), nil
}
