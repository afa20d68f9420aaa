package units

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLimits(t *testing.T) {
	for _, l := range []Limits{
		{MemoryMax: "512M"}, {MemoryMax: "1.5G"}, {MemoryMax: "20%"}, {MemoryMax: "0.5%"}, {MemoryMax: "100000000"}, {MemoryMax: "infinity"},
		{TasksMax: "1"}, {TasksMax: "50%"}, {TasksMax: "infinity"}, {CPUWeight: "1"}, {CPUWeight: "10000"}, {CPUWeight: "idle"},
	} {
		assert.NoError(t, l.check(), "%+v", l)
	}
	for _, l := range []Limits{
		{MemoryMax: "0"}, {MemoryMax: "0.0G"}, {MemoryMax: "512m"}, {MemoryMax: "512MB"}, {MemoryMax: "-1"}, {MemoryMax: "101%"}, {MemoryMax: "0%"}, {MemoryMax: "1G\nExecStart=/x"},
		{TasksMax: "0"}, {TasksMax: "-1"}, {TasksMax: "1K"}, {TasksMax: "%i"}, {CPUWeight: "0"}, {CPUWeight: "10001"}, {CPUWeight: "50%"},
	} {
		assert.Error(t, l.check(), "%+v", l)
	}
}

func TestSlice(t *testing.T) {
	pair, err := Render(Options{Name: "my-app_1.2", Exec: []string{"/x"}, Limits: Limits{TasksMax: "5"}})
	require.NoError(t, err)
	assert.Equal(t, `socketgi-my\x2dapp_1.2.slice`, pair.SliceName, "not below that of an application called my")
	for _, warm := range []bool{false, true} {
		o := Options{Name: "a", Exec: []string{"/x"}, App: "x%", Warm: warm}
		pair, err := Render(o)
		require.NoError(t, err)
		assert.Len(t, pair.Files(), 2)
		o.Limits = Limits{MemoryMax: "20%", CPUWeight: "50"}
		pair, err = Render(o)
		require.NoError(t, err)
		require.Len(t, pair.Files(), 3)
		assert.Contains(t, pair.Service, "\nSlice=socketgi-a.slice\n")
		assert.NotContains(t, pair.Service, "system.slice")
		assert.Equal(t, `# socketgi-a.slice: limits of all processes of a.
[Unit]
Description=a: limits

[Slice]
MemoryMax=20%%
CPUWeight=50

[X-Socketgi]
Application=x%%
`, pair.Files()[2].Text)
		o.Limits.TasksMax = "many"
		_, err = Render(o)
		assert.ErrorContains(t, err, `"many" is not a number of tasks (TasksMax=)`)
	}
}
