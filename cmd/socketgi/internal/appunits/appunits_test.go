package appunits

import (
	"strings"
	"testing"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/units"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAllowUIDs(t *testing.T) {
	values := adapter.Default()
	values.Operands, values.AllowUIDs = []string{"app"}, []uint32{33, 1000}
	o := Options{Options: units.Options{Name: "a", Exec: []string{"/x"}}, Adapter: &values}
	pair, err := o.Render()
	require.NoError(t, err)
	assert.Contains(t, pair.Service, "\nExecStart=/x --cache /var/cache/socketgi/a --allow-uid 33,1000 app\n")
	for _, change := range []func(*Options){
		func(o *Options) { o.Profile = units.Strict },
		func(o *Options) { o.UserManager = true },
		func(o *Options) { o.Listen = "127.0.0.1:9000" },
	} {
		wrong := o
		change(&wrong)
		_, err := wrong.Render()
		assert.ErrorContains(t, err, "omit --allow-user")
	}
}

// TestAdapter checks what a program that isn't the adapter doesn't get.
func TestAdapter(t *testing.T) {
	for _, warm := range []bool{false, true} {
		o := Options{Options: units.Options{Name: "a", Exec: []string{"/x y"}, Warm: warm}}
		pair, err := o.Render()
		require.NoError(t, err)
		values := adapter.Default()
		o.Adapter = &values
		served, err := o.Render()
		require.NoError(t, err)
		for directive, ofWarm := range map[string]bool{"RuntimeDirectory=socketgi-a": false, "OOMPolicy=continue": warm, "KillMode=mixed": true,
			`ExecReload="/x y" --ask-reload $MAINPID`: true, "LogRateLimitIntervalSec=0": true} {
			assert.NotContains(t, pair.Service, "\n"+directive+"\n")
			assert.Equal(t, ofWarm == warm, strings.Contains(served.Service, "\n"+directive+"\n"), directive)
		}
		assert.NotContains(t, pair.Socket, "Condition")
		assert.Contains(t, served.Socket, "\nConditionFileIsExecutable=/x y\n")
	}
}

func TestSliceName(t *testing.T) {
	assert.Equal(t, `socketgi-my\x2dapp.slice`, units.SliceName("my-app"), "not below that of an application called my")
}
