package doctor

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/access"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/socketgi/socketgi/units"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestStatus(t *testing.T) {
	for want, levels := range map[int][][]Level{0: {{}, {OK, Note}}, 1: {{OK, Warning}, {Unchecked, Note}}, 2: {{Warning, Error}, {Error, OK}}} {
		for _, list := range levels {
			var r Report
			for _, l := range list {
				r.Findings = append(r.Findings, Finding{Level: l})
			}
			assert.Equal(t, want, Status([]Report{{}, r}), "%v", list)
		}
	}
}

func TestPrint(t *testing.T) {
	var b strings.Builder
	Print(&b, []Report{
		{"app", []Finding{{Check: "units", Level: OK, What: "fine"}, {Check: "loads", Level: Error, What: "no\nre\x1b[2Jally", Why: "it\nmatters", Mend: "do"}}},
		{"", []Finding{{Check: "cgroups", Level: Unchecked, What: "who knows"}}},
	})
	assert.Equal(t, `app
  ok  units    fine
FAIL  loads    no
               re\x1b[2Jally
               why:  it
               matters
               mend: do

this machine
  ??  cgroups  not checked: who knows
`, b.String())
}

func TestShell(t *testing.T) {
	for _, s := range []string{"", "a", "/a b", "it's", "$x", "a\nb", "~", "-n", "*"} {
		out, err := exec.Command("sh", "-c", "printf %s "+shell(s)).Output()
		require.NoError(t, err)
		assert.Equal(t, s, string(out))
	}
	assert.Equal(t, "/run/a-b_c.sock", shell("/run/a-b_c.sock"))
}

func TestDropInIsACommand(t *testing.T) {
	for verdict, want := range map[string]string{"true": "[Service]\nX=50%\nY=it's\n", "false": ""} {
		dir := t.TempDir()
		app := application(t, units.Options{})
		command := dropIn(app, app.Service, "Service", "X=50%", "Y=it's")
		command = strings.ReplaceAll(command, verifies(app), verdict)
		command = strings.ReplaceAll(command, "/etc/systemd/system", dir)
		command = strings.TrimSuffix(command, " && systemctl daemon-reload")
		out, err := exec.Command("sh", "-ec", command).CombinedOutput()
		assert.Equal(t, want != "", err == nil, "%s", out)
		text, _ := os.ReadFile(filepath.Join(dir, "app@.service.d/socketgi.conf"))
		assert.Equal(t, want, string(text))
	}
}

// TestGuarded checks that a refused change of a file is undone.
func TestGuarded(t *testing.T) {
	for verdict, want := range map[string]string{"true": "b\n", "false": "a\n"} {
		file := filepath.Join(t.TempDir(), "it's")
		require.NoError(t, os.WriteFile(file, []byte("a\n"), 0o640))
		out, err := exec.Command("sh", "-ec", guarded(file, sed(file, "s|a|b|"), verdict)).CombinedOutput()
		assert.Equal(t, verdict == "true", err == nil, "%s", out)
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
	}
}

// TestIncomplete checks that one line is named for a unit that systemd refuses.
func TestIncomplete(t *testing.T) {
	for _, c := range []struct{ file, old, new, what, mend string }{
		{"app.socket", "ListenStream=", "ListenSteam=", ":8: ListenSteam= is no directive, and so app.socket has no ListenStream=", "8s|"},
		{"app.socket", "ListenStream=", "#", "app.socket has no ListenStream=", ""},
		{"app@.service.d/x.conf", "", "[Service]\n\nExecStart=/bin/true\n", "x.conf:3: a second ExecStart=, besides the one at ", "3i ExecStart="},
		{"app@.service.d/x.conf", "", "[Service]\nExecStart=\nExecStart=/bin/true\n", "", ""},
	} {
		app := application(t, units.Options{})
		dir := filepath.Dir(app.Socket.Path)
		path := filepath.Join(dir, c.file)
		text, _ := os.ReadFile(path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		changed := c.new
		if c.old != "" {
			require.Contains(t, string(text), c.old)
			changed = strings.Replace(string(text), c.old, c.new, 1)
		}
		require.NoError(t, os.WriteFile(path, []byte(changed), 0o644))
		app, err := host.Host{Root: strings.TrimSuffix(dir, "/etc/systemd/system")}.Load("app")
		require.NoError(t, err)
		var f findings
		incomplete(app, &f)
		if c.what == "" {
			assert.Empty(t, f)
			continue
		}
		require.Len(t, f, 1)
		assert.Contains(t, f[0].What, c.what)
		assert.Contains(t, f[0].Mend, c.mend)
		assert.NotEqual(t, f[0].Mend == "", f[0].Do == "")
	}
}

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"ListenSteam": "ListenStream", "Usr": "User", "MemoryMaximum": "", "execstart": "ExecStart", "X": ""} {
		assert.Equal(t, want, nearest(word), word)
	}
}

func TestUnreadable(t *testing.T) {
	f := unreadable(errors.New("/etc/systemd/system/a@.service.d/x.conf:7: ExecStart=: a quote is not closed"))
	assert.Contains(t, f.Do, "correct /etc/systemd/system/a@.service.d/x.conf:7, then")
	assert.Empty(t, f.Mend)
}

func TestComplaints(t *testing.T) {
	app := application(t, units.Options{})
	app.Service.DropIns = []string{"/etc/systemd/system/app@.service.d/x.conf"}
	assert.Equal(t, []string{
		app.Socket.Path + ":4: Failed to parse sec value, ignoring: abc",
		"/etc/systemd/system/app@.service.d/x.conf:1: Invalid section header '[Serv'",
		"app@.service: Command /nope is not executable: No such file or directory",
	}, complaints(app, app.Socket.Path+`:4: Failed to parse sec value, ignoring: abc
/lib/systemd/system/other.service:7: Unit uses KillMode=none.
/etc/systemd/system/app@.service.d/x.conf:1: Invalid section header '[Serv'
/etc/systemd/system/app@.service.d/x.conf:1: Invalid section header '[Serv'
application.service: Command /nope is not executable
app@i.service: Command /nope is not executable: No such file or directory
`))
}

// TestVerified checks that no unit counts as verified if systemd-analyze has read none.
func TestVerified(t *testing.T) {
	app := &host.Application{Socket: &host.Unit{Name: "app.socket", Path: "/etc/systemd/system/app.socket"},
		Service: &host.Unit{Name: "app@.service", Path: "/etc/systemd/system/app@.service"}}
	failed := exec.Command("false").Run()
	for said, want := range map[string][]Level{
		"systemd-analyze: unrecognized option '--recursive-errors=no'":                                        {Unchecked},
		"Cannot determine cgroup we are running in: No such file\nFailed to initialize manager: No such file": {Unchecked},
		"other.service: Command /nowhere is not executable: No such file or directory":                        nil,
		"/etc/systemd/system/other.service:3: Unknown key name 'Bogus' in section 'Unit', ignoring.":          nil,
		"/etc/systemd/system/app.socket:3: Unknown key name 'Bogus' in section 'Unit', ignoring.":             {Warning},
		"app.socket: Unit configuration has fatal error, unit will not be started.":                           {Error},
	} {
		var f findings
		f.verified(app, said, failed)
		var got []Level
		for _, finding := range f {
			got = append(got, finding.Level)
		}
		assert.Equal(t, want, got, said)
	}
	var f findings
	f.verified(app, "", nil)
	assert.Empty(t, f)
}

func TestPeers(t *testing.T) {
	web := &webServer{user: &access.Rights{Name: "www-data", UID: 33}}
	for _, c := range []struct {
		o          units.Options
		flags      string
		what, mend string
	}{
		{units.Options{}, "", "", ""},
		{units.Options{}, "--allow-uid 7,33", "", ""},
		{units.Options{}, "--allow-uid 7 --allow-user www-data", "", ""},
		{units.Options{}, "--allow-uid 7", "for 7 and root only, and not www-data", "ExecStart=/usr/local/lib/socketgi/socketgi-adapter --allow-uid 7,33 /srv/app.py"},
		{units.Options{Warm: true}, "--timeout=5s --allow-user=nginx", "for nginx and root only, and not www-data",
			`--allow-uid 33 --allow-user nginx --timeout 5s /srv/app.py\n' >> /etc/systemd/system/app.service.d/socketgi.conf && `},
		{units.Options{Listen: "127.0.0.1:9"}, "--allow-uid 33", "at 127.0.0.1:9 the connecting user is unknown", "ExecStart=/usr/local/lib/socketgi/socketgi-adapter /srv/app.py"},
		{units.Options{}, "--allow-uid ${UIDS}", "the users of ${UIDS} are known to systemd only", ""},
		{units.Options{}, "--mount /it's --allow-uid 7", "and not www-data", "systemctl edit --full app@.service"},
	} {
		var f findings
		checkPeers(t.Context(), &examination{web: web}, application(t, c.o, strings.Fields(c.flags)...), &f)
		if c.what == "" {
			assert.Empty(t, f, c.flags)
			continue
		}
		require.Len(t, f, 1, c.flags)
		assert.Contains(t, f[0].What, c.what)
		assert.Contains(t, f[0].Mend+f[0].Do, c.mend)
	}
}

func TestLimits(t *testing.T) {
	app := application(t, units.Options{}, "--concurrency", "10")
	good := manager.Properties{"TriggerLimitIntervalUSec": uint64(0), "TriggerLimitBurst": uint32(200), "MaxConnections": uint32(1024)}
	collects := manager.Properties{"CollectMode": "inactive-or-failed"}
	with := func(p manager.Properties, name string, value any) manager.Properties {
		q := manager.Properties{name: value}
		for k, v := range p {
			if k != name {
				q[k] = v
			}
		}
		return q
	}
	for what, c := range map[string]struct{ socket, service manager.Properties }{
		"":                               {good, collects},
		"200 connections within 2s":      {with(good, "TriggerLimitIntervalUSec", uint64(2e6)), collects},
		"MaxConnections=10 leaves":       {with(good, "MaxConnections", uint32(10)), collects},
		"instances that failed are kept": {good, manager.Properties{"CollectMode": "inactive"}},
	} {
		var f findings
		limits(app, c.socket, c.service, &f)
		if what == "" {
			assert.Empty(t, f)
			continue
		}
		require.Len(t, f, 1, what)
		assert.Equal(t, Warning, f[0].Level)
		assert.Contains(t, f[0].What, what)
	}
	var f findings
	limits(application(t, units.Options{Warm: true}), good, manager.Properties{"StartLimitIntervalUSec": uint64(10e6), "StartLimitBurst": uint32(5)}, &f)
	require.Len(t, f, 1)
	assert.Contains(t, f[0].What, "5 starts of app.service within 10s stop app.socket for good")
}

func TestCgroups(t *testing.T) {
	const one = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"
	mount, options, favored := cgroups("1 2 0:3 / /proc rw - proc proc rw\n" + one)
	assert.Equal(t, "/sys/fs/cgroup", mount)
	assert.Equal(t, []string{"rw", "nsdelegate", "memory_recursiveprot"}, options)
	assert.False(t, favored)
	_, _, favored = cgroups(strings.Replace(one, "nsdelegate", "nsdelegate,favordynmods", 1))
	assert.True(t, favored)
	mount, _, favored = cgroups("1 2 0:3 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,favordynmods,name=systemd\n")
	assert.True(t, favored)
	assert.Empty(t, mount)
}

func TestPathsInLogs(t *testing.T) {
	for log, want := range map[string]string{
		"PermissionError: [Errno 13] Permission denied: '/srv/x'":                              "/srv/x",
		"socketgi-adapter: open /srv/a.py: permission denied":                                  "/srv/a.py",
		"/opt/python may not be executed by this user: permission denied":                      "/opt/python",
		"app@1.service: Changing to the requested working directory failed: Permission denied": "",
	} {
		m := append(denied.FindStringSubmatch(log), "", "", "")
		assert.Equal(t, want, m[1]+m[2], log)
	}
	for log, want := range map[string]string{
		"FileNotFoundError: [Errno 2] No such file or directory: '/srv/x'":                         "/srv/x",
		"socketgi-adapter: /srv/article.py: no such file or directory":                             "/srv/article.py",
		"/opt/python does not exist, or the interpreter in its first line does not exist: use ...": "/opt/python",
	} {
		m := append(missing.FindStringSubmatch(log), "", "", "")
		assert.Equal(t, want, m[1]+m[2], log)
	}
}

// TestPathsOfStrangers has paths in a log that would block the doctor, or make its command do something else.
func TestPathsOfStrangers(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("only root can look as another user")
		}
		t.Skip("only root can look as another user")
	}
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	require.NoError(t, os.Chmod(dir, 0o755))
	app := &host.Application{Name: "app", Service: &host.Unit{Name: "app@.service"}, Exec: []string{"socketgi-adapter", filepath.Join(dir, "app.py:make")}}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "app.py"), 0o755))
	secret := filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, nil, 0o600))
	link := filepath.Join(dir, "app.py", "link")
	require.NoError(t, os.Symlink(secret, link))
	for _, path := range []string{secret, link, "/etc/shadow", filepath.Join(dir, "app.py/../secret")} {
		assert.Empty(t, mendPathIn(app, "Permission denied: '"+path+"'"), "the application names it, and nobody else")
		assert.Empty(t, mendPathIn(app, "No such file or directory: '"+path+"'"))
	}
	dir = filepath.Join(dir, "app.py")
	pipe := filepath.Join(dir, "pipe")
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	assert.Equal(t, "chmod a+r "+pipe, mendPathIn(app, "Permission denied: '"+pipe+"'"))
	require.NoError(t, os.Chmod(pipe, 0o666))
	assert.Empty(t, mendPathIn(app, "Permission denied: '"+pipe+"'"))
	injected := filepath.Join(dir, `x\nUser=root`)
	require.NoError(t, os.WriteFile(injected, nil, 0o644))
	assert.Empty(t, mendPathIn(app, "No such file or directory: '"+injected+"'"))
}
