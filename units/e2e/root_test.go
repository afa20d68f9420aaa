package e2e

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorder replaces the Python of a virtual environment, and records its user, terminal, environment and
// parent process.
const recorder = `#!/bin/sh
terminal=$(cut -d ' ' -f 7 /proc/$$/stat)
printf 'uid=%s terminal=%s secret=%s parent=%s\n' "$(id -u)" "$terminal" "${SECRET-none}" "$(tr '\0\n' '  ' < /proc/$PPID/cmdline)" >> /srv/open/record
exec /usr/bin/python3 "$@"
`

// swapper swaps two directories as long as it runs.
const swapper = `import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
here, there = b"/srv/app/.venv", b"/srv/app/.roots"
AT_FDCWD, RENAME_EXCHANGE = -100, 2
while libc.renameat2(AT_FDCWD, here, AT_FDCWD, there, RENAME_EXCHANGE) == 0:
    pass
raise SystemExit(os.strerror(ctypes.get_errno()))
`

// startedAsRoot returns the commands in SECURITY's list, in its order, with the programs that root starts for
// them.
func startedAsRoot(t *testing.T) (names []string, programs map[string]string) {
	t.Helper()
	programs = map[string]string{}
	for line := range strings.Lines(string(must(os.ReadFile("../../.github/SECURITY.md")))) {
		if cells := strings.Split(line, "|"); strings.HasPrefix(line, "| `") {
			name := strings.Trim(cells[1], " `")
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
			programs[name] += cells[2]
		}
	}
	// The command that removes the application comes last.
	return append(slices.DeleteFunc(names, func(name string) bool { return name == "remove" }), "remove"), programs
}

// rootSays contains command lines for each command in SECURITY's list. Each ends by itself.
var rootSays = map[string][]string{
	"add": {"add app /srv/app/app.py --user hello --now", "add other /srv/app/app.py --user hello --dry-run", "add --root /srv/dir app /srv/app/app.py --adapter /usr/local/lib/socketgi/socketgi-adapter --dry-run",
		"add app /srv/app/app.py --user-manager --dry-run --force"},
	"units":      {"units app /srv/app/app.py --user hello --profile strict", "units app app:application --python /srv/app/.venv/bin/python"},
	"refresh":    {"refresh app", "refresh"},
	"doctor":     {"doctor app", "doctor --json"},
	"status":     {"status app"},
	"list":       {"list"},
	"logs":       {"logs app"},
	"get":        {"get app /"},
	"nginx":      {"nginx app"},
	"apache":     {"apache app"},
	"lighttpd":   {"lighttpd app"},
	"import":     {"import /srv/inetd.conf"},
	"dev":        {"dev /srv/app/app.py --listen 127.0.0.1:0", "dev --cgi --listen 127.0.0.1:0 -- /srv/app/.venv/bin/python"},
	"completion": {"completion bash", "__complete status ''"},
	"man":        {"man /run/man"},
	"help":       {"help", "--version", "add --help"},
	"remove":     {"remove app --now --dry-run", "remove app --now"},
}

// asRoot runs a command as an operator does: on a terminal, in a shell with a secret.
func (s *site) asRoot(command string) (string, error) {
	return s.asRootIn("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", command)
}

func (s *site) asRootIn(path, command string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	cmd := s.Command("/usr/bin/script", "--quiet", "--return", "--command", "cd /srv/app && /usr/bin/timeout 50 /usr/local/bin/socketgi "+command, "/dev/null")
	cmd.Env = append(cmd.Env, "SECRET=hunter2", "TERM=xterm", "SHELL=/bin/sh", "HOME=/root", "PATH="+path)
	bound := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	bound.Env = cmd.Env
	out, err := bound.CombinedOutput()
	return string(out), err
}

// TestRootRunsNothing runs each command as root for an application whose Python is another user's. The Python
// runs as its user, without a terminal and the environment of root's shell, or not at all.
func TestRootRunsNothing(t *testing.T) {
	s := newSite(t)
	s.Run("adduser", "--system", "--group", "--no-create-home", "--quiet", "hello")
	s.Write("/srv/app/app.py", "import os\nassert 'SECRET' not in os.environ\ndef application(e, start):\n    start('200 OK', [])\n    return [b'here']\n")
	s.Write("/srv/inetd.conf", "8123 stream tcp nowait root /srv/app/app.py app.py\n8124 stream tcp nowait hello /srv/app/.venv/bin/python python /srv/app/app.py\n")
	s.Run("sh", "-ec", "mkdir -p /srv/dir/etc /srv/dir/usr/bin /srv/dir/usr/local/lib /srv/dir/srv && cp /etc/passwd /etc/group /srv/dir/etc && cp -a /usr/local/lib/socketgi /srv/dir/usr/local/lib")
	for folder, python := range map[string]string{".venv": recorder, ".roots": "#!/bin/sh\nexec /usr/bin/python3 \"$@\"\n"} {
		s.Write("/srv/app/"+folder+"/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n")
		s.Write("/srv/app/"+folder+"/bin/python", python)
		s.Run("chmod", "755", "/srv/app/"+folder+"/bin/python")
	}
	s.Run("cp", "-a", "/srv/app", "/srv/dir/srv/app")
	s.Run("chown", "-R", "hello:hello", "/srv/app", "/srv/dir/srv/app")
	s.Run("chown", "-R", "root:root", "/srv/app/.roots")
	s.Run("install", "-m", "666", "/dev/null", "/srv/open/record")
	// A PATH with the listed programs only, which record their callers.
	names, programs := startedAsRoot(t)
	require.Len(t, rootSays, len(names))
	for _, program := range []string{"systemd-analyze", "journalctl", "getent", "nginx", "systemctl"} {
		real := strings.TrimSpace(s.Run("sh", "-c", "command -v "+program))
		s.Write("/srv/path/"+program, "#!/bin/sh\necho "+program+" >> /run/started\nexec "+real+" \"$@\"\n")
		s.Run("chmod", "755", "/srv/path/"+program)
	}
	ran := func(t *testing.T, command string) string {
		t.Helper()
		record := s.Run("sh", "-c", "cat /srv/open/record; : > /srv/open/record")
		for line := range strings.Lines(record) {
			assert.NotContains(t, line, "uid=0 ", command)
			assert.Contains(t, line, "terminal=0 ", command)
			assert.Contains(t, line, "secret=none ", command)
			assert.Contains(t, line, "parent=/usr/local/lib/socketgi/socketgi-adapter ", "%s: only systemd starts it", command)
		}
		return record
	}
	each := func(t *testing.T, do func(name, command string)) {
		for _, name := range names {
			require.NotEmpty(t, rootSays[name], "%s is tried out", name)
			for _, command := range rootSays[name] {
				do(name, command)
			}
		}
	}
	t.Run("as it is", func(t *testing.T) {
		each(t, func(name, command string) {
			s.Write("/run/started", "")
			out, err := s.asRootIn("/srv/path", command)
			started := s.Run("cat", "/run/started")
			if name == "logs" || name == "status" {
				assert.Contains(t, started, "journalctl\n", "it is noticed")
			}
			for program := range strings.Lines(started) {
				assert.Contains(t, programs[name], "`"+strings.TrimSpace(program)+"`", "%s starts what is not listed", command)
			}
			if name == "dev" {
				assert.Error(t, err, "%s", out)
				assert.Contains(t, out, "refusing to run as root what other users can write")
			} else if !strings.HasPrefix(command, "doctor") { // it may report a problem of a machine like this one
				assert.NoError(t, err, "%s: %s", command, out)
			}
			record := ran(t, command)
			if strings.HasSuffix(command, "app") && (name == "refresh" || name == "doctor") || strings.HasSuffix(command, "--now") && name == "add" {
				assert.NotEmpty(t, record, "%s has it loaded: %s", command, out)
			}
		})
	})
	t.Run("swapped", func(t *testing.T) {
		s.Write("/srv/swap.py", swapper)
		s.Run("systemd-run", "--quiet", "--unit=swapper", "--uid=hello", "/usr/bin/python3", "/srv/swap.py")
		each(t, func(name, command string) {
			for range times(1, 5) {
				// The result depends on timing.
				_, _ = s.asRoot(command)
			}
			ran(t, command)
		})
		for range times(20, 100) {
			_, _ = s.asRoot("add other /srv/app/app.py --user hello --dry-run")
		}
		ran(t, "add --dry-run")
		assert.Equal(t, "active\n", s.Run("systemctl", "is-active", "swapper"))
	})
}
