package trial

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWithCheck(t *testing.T) {
	for exec, want := range map[string]string{
		"/a/adapter --x 1 app.py":      "/a/adapter --check --x 1 app.py",
		"/a/adapter":                   "/a/adapter --check",
		`"/a b/adapter" app.py`:        `"/a b/adapter" --check app.py`,
		`/a\x20b/adapter 'x y'`:        `/a\x20b/adapter --check 'x y'`,
		"-/a/adapter  x":               "-/a/adapter --check x",
		"@/a/adapter name app.py":      "@/a/adapter name --check app.py",
		"-@/a/adapter 'a name' x.py":   "-@/a/adapter 'a name' --check x.py",
		"/a/adapter --python '/x y' z": "/a/adapter --check --python '/x y' z",
	} {
		got, err := withCheck(exec)
		assert.NoError(t, err)
		assert.Equal(t, strings.Join(strings.Fields(want), " "), strings.Join(strings.Fields(got), " "))
	}
	_, err := withCheck(" ")
	assert.Error(t, err)
}

func TestWithout(t *testing.T) {
	assert.Equal(t, "[Unit]\nAfter=a.socket\n[Service]\nUser=x\n",
		without("[Unit]\nRequires=a.socket\nAfter=a.socket\nWants = b \\\n  c\\\n d\n[Service]\nSockets=a.socket\nUser=x\n[X-Socketgi]\nApplication=a", ties))
	assert.Equal(t, "[Service]\nUser=x\n", without("[Service]\nSlice=a.slice\nUser=x", slices.Concat(ties, []string{"Slice"})))
}

const rendered = `[Unit]
Requires=app.socket
[Service]
ExecStart=/a/adapter --cache /var/cache/socketgi/app --allow-uid 7 /srv/app.py
User=web
Slice=socketgi-app.slice
RuntimeDirectory=socketgi-app

[X-Socketgi]
Application=/srv/app.py
`

// TestRendered: of a service that is still to be written the sandbox counts, and drop-ins that are
// there change that and not what is run.
func TestRendered(t *testing.T) {
	root := t.TempDir()
	drop := filepath.Join(root, "etc/systemd/system/app.service.d")
	require.NoError(t, os.MkdirAll(drop, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(drop, "x.conf"), []byte("[Service]\nExecStart=\nExecStart=/b\nPrivateTmp=yes\n[Unit]\nWants=b.service\n"), 0o644))
	h := host.Host{Root: root}
	for name, want := range map[string]string{
		"app@.service": "[Unit]\n[Service]\nExecStart=/a/adapter --cache /var/cache/socketgi/app --allow-uid 7 /srv/app.py\nUser=web\n\n",
		"app.service": "[Unit]\n[Service]\nExecStart=/a/adapter --cache /var/cache/socketgi/app --allow-uid 7 /srv/app.py\nUser=web\n\n" +
			"[Service]\nExecStart=\nExecStart=/b\nPrivateTmp=yes\n[Unit]\n",
	} {
		trial, err := Rendered(h, "app", name, rendered)
		require.NoError(t, err)
		assert.Equal(t, want, trial.service)
		assert.Equal(t, "/a/adapter --cache /var/cache/socketgi/app --allow-uid 7 /srv/app.py", trial.command)
	}
}

// TestWrite: what a trial writes, it takes back, with folders that were not there.
func TestWrite(t *testing.T) {
	runtime := t.TempDir()
	trial, err := Rendered(host.Host{Root: runtime}, "app", "app@.service", rendered)
	require.NoError(t, err)
	trial.Locked, trial.Limit, trial.Keep = true, 90*time.Second, func(string) error { return nil }
	require.NoError(t, trial.write(runtime, "/run/a%b"))
	text, err := os.ReadFile(filepath.Join(runtime, "systemd/system/app@check.service.d/zzz-socketgi-check.conf"))
	require.NoError(t, err)
	for _, line := range []string{"ExecStart=/a/adapter --check --cache /run/socketgi-app@check --allow-uid 7 /srv/app.py", "TimeoutStartSec=90",
		"StandardError=file:/run/a%%b", "RuntimeDirectory=socketgi-app@check"} {
		assert.Contains(t, string(text), "\n"+line+"\n")
	}
	require.NoError(t, trial.erase(runtime))
	left, err := os.ReadDir(runtime)
	require.NoError(t, err)
	assert.Empty(t, left)

	trial.Locked, trial.Limit, trial.Keep = false, 0, nil
	require.NoError(t, trial.write(runtime, "/run/x"))
	text, err = os.ReadFile(filepath.Join(runtime, "systemd/system", trial.unit()+".d/zzz-socketgi-check.conf"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "--check --cache /var/cache/socketgi/app ", "it is only read")
	assert.Contains(t, string(text), "TimeoutStartSec=infinity")
	assert.NotContains(t, string(text), "RuntimeDirectory")
}

func TestInstalledUser(t *testing.T) {
	_, err := Installed(host.Host{}, dynamic(t, "my.app"))
	assert.ErrorContains(t, err, "my.app can't be the name of a user")
}

// dynamic is a warm application of a user that systemd makes up.
func dynamic(t *testing.T, name string) *host.Application {
	root := t.TempDir()
	dir := filepath.Join(root, "etc/systemd/system")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".socket"), []byte("[Socket]\nListenStream=/run/x\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name+".service"), []byte("[Service]\nDynamicUser=yes\nExecStart=/a\n[X-Socketgi]\nApplication=x\n"), 0o644))
	app, err := host.Host{Root: root}.Load(name)
	require.NoError(t, err)
	return app
}

func TestOutcome(t *testing.T) {
	assert.Equal(t, 226, Outcome{Code: exited, Status: 226}.SetUp())
	assert.Zero(t, Outcome{Code: exited, Status: 1}.SetUp(), "the program's own")
	assert.Zero(t, Outcome{Code: 2, Status: 209}.SetUp(), "a signal")
	assert.Empty(t, Outcome{Result: "exit-code", Status: 1}.Explain())
	assert.Equal(t, "systemd couldn't set up its user (exit-code, status 217): journalctl -u app@check.service",
		Outcome{Unit: "app@check.service", Result: "exit-code", Status: 217}.Explain())
}

// FuzzWithout: what is left has none of the ties, and nothing more is to be left out of it.
func FuzzWithout(f *testing.F) {
	f.Add(rendered)
	f.Add("[Unit]\nWants = b \\\n  c\\\n d\n[X-Socketgi]\nX=\\\n[Service]\nUser=x")
	f.Fuzz(func(t *testing.T, text string) {
		left := without(text, ties)
		assert.Equal(t, strings.TrimRight(left, "\n"), strings.TrimRight(without(left, ties), "\n"))
	})
}
