package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/host"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/manager"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRunsAs(t *testing.T) {
	dir := t.TempDir()
	system := filepath.Join(dir, "etc/systemd/system")
	require.NoError(t, os.MkdirAll(system, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(system, "app.socket"), []byte("[Socket]\nListenStream=/run/x\nAccept=yes\n"), 0o600))
	loaded := func(user string, dynamic bool) manager.Properties {
		return manager.Properties{"LoadState": "loaded", "User": user, "DynamicUser": dynamic}
	}
	for _, c := range []struct {
		service    string
		loaded     manager.Properties
		who, wrong string
	}{
		{"User=www-data", nil, "www-data", ""},
		{"DynamicUser=yes", nil, "a dynamic user", ""},
		{"DynamicUser=on\nUser=somebody", nil, "a dynamic user", ""},
		{"DynamicUser=yes\nUser=daemon", nil, "daemon", ""},
		{"DynamicUser=yes", loaded("app", true), "a dynamic user", ""},
		{"DynamicUser=no", nil, "root", "app@.service has neither User= nor DynamicUser="},
		{"Usr=www-data", nil, "root", "app@.service has neither User= nor DynamicUser="},
		{"User=root\nDynamicUser=yes", nil, "root", "app@.service has User=root"},
		{"User=0", nil, "root", "app@.service has User=0"},
		{"User=a\nUser=", nil, "root", "app@.service has neither User= nor DynamicUser="},
		{"User=%p", loaded("daemon", false), "daemon", ""},
		{"User=www-data", loaded("", false), "root", "app@.service has neither User= nor DynamicUser="},
		{"Usr=x", loaded("", true), "a dynamic user", ""},
		{"User=www-data\nExecStart=\nExecStart=-+/bin/x", loaded("www-data", false), "root", "ExecStart= begins with +, which ignores User= (systemd.service(5))"},
		{"User=www-data\nExecStart=\nExecStart=!/bin/x", nil, "root", "ExecStart= begins with !, which ignores User= (systemd.service(5))"},
		{"User=www-data\nExecStart=\nExecStart=!!/bin/x +!", nil, "www-data", ""},
	} {
		require.NoError(t, os.WriteFile(filepath.Join(system, "app@.service"), []byte("[Service]\nExecStart=/bin/x\n"+c.service+"\n[X-Socketgi]\nApplication=x\n"), 0o600))
		app, err := host.Host{Root: dir}.Load("app")
		require.NoError(t, err)
		who, wrong := runsAs(app, c.loaded)
		assert.Equal(t, []string{c.who, c.wrong}, []string{who, wrong}, c.service)
	}
}
