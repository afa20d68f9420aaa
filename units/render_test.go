package units

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "hello", "my-app_2.0", strings.Repeat("x", 64)} {
		assert.NoError(t, CheckName(name), name)
	}
	for _, name := range []string{"", ".", "..", "-a", ".a", "a b", "a/b", "a@b", "ä", "a%i", strings.Repeat("x", 65)} {
		assert.Error(t, CheckName(name), name)
	}
	assert.ErrorContains(t, CheckName("xünï"), "'ü' is not allowed", "a character, not a byte")
}

func TestRenderRefuses(t *testing.T) {
	for _, o := range []Options{
		{Name: "a", Exec: nil},
		{Name: "private", Exec: []string{"/x"}, State: true},
		{Name: "a", Exec: []string{"relative"}},
		{Name: "a", Exec: []string{"/x", "line\nbreak"}},
		{Name: "a", Exec: []string{"/x"}, App: "a\nExecStartPre=/bin/evil"},
		{Name: "a", Exec: []string{"/x"}, WorkingDirectory: `/srv\`},
		{Name: "a", Exec: []string{"/x"}, User: "a b"},
		{Name: "a", Exec: []string{"/x"}, User: "%i"},
		{Name: "a", Exec: []string{"/x"}, Listen: "/" + strings.Repeat("x", 107)},
		{Name: "a", Exec: []string{"/x"}, ConditionFileIsExecutable: "/x\nUser=root"},
		{Name: "a", Exec: []string{"/x"}, Slice: "a"},
		{Name: "a", Exec: []string{"/x"}, Slice: "%i.slice"},
	} {
		_, err := Render(o)
		var option *OptionError
		require.ErrorAs(t, err, &option, "%+v", o)
		field, _ := reflect.TypeFor[Options]().FieldByName(option.Field)
		assert.Equal(t, option.Field, field.Name, "an error names the field")
	}
	_, err := Render(Options{Name: "a", Exec: []string{"/x"}, Listen: "/" + strings.Repeat("x", 106)})
	require.NoError(t, err)
}

func TestEnv(t *testing.T) {
	for in, want := range map[string]string{
		"A=b":         "Environment=A=b",
		"A=":          "Environment=A=",
		"A=b c":       `Environment="A=b c"`,
		`A="\`:        `Environment="A=\"\\"`,
		"A=100%$x":    "Environment=A=100%%$x",
		"A=a\nb\tc":   `Environment="A=a\x0ab\x09c"`,
		"A=b=c;'d'":   `Environment="A=b=c;'d'"`,
		"_Ab1=grüße ": `Environment="_Ab1=grüße "`,
	} {
		pair, err := Render(Options{Name: "a", Exec: []string{"/x"}, Env: []string{in}})
		require.NoError(t, err, in)
		assert.Contains(t, pair.Service, "\n"+want+"\n")
	}
	for _, in := range []string{"", "A", "=b", "1A=b", "A B=c", "A-B=c", "A=\x00", "A=\x1b[m", "A=\xff"} {
		_, err := Render(Options{Name: "a", Exec: []string{"/x"}, Env: []string{in}})
		assert.Error(t, err, in)
	}
}

// TestGroups checks directives that the caller adds.
func TestGroups(t *testing.T) {
	pair, err := Render(Options{Name: "a", Exec: []string{"/x"}, ConditionFileIsExecutable: "/y%", Slice: "all.slice", Limits: Limits{TasksMax: "5"},
		Service: []Group{{"It needs them,\nall of them.", []string{"LimitNOFILE=5000", "Nice=3"}}, {"", []string{"OOMPolicy=continue"}}}})
	require.NoError(t, err)
	assert.Contains(t, pair.Service, "\n# It needs them,\n# all of them.\nLimitNOFILE=5000\nNice=3\nOOMPolicy=continue\n")
	assert.Contains(t, pair.Service, "\nSlice=all.slice\n")
	assert.Equal(t, "all.slice", pair.SliceName)
	assert.Contains(t, pair.Socket, "\nConditionFileIsExecutable=/y%%\n\n[Socket]\n")
	for _, g := range []Group{
		{"", []string{"Nice"}}, {"", []string{"[Service]"}}, {"", []string{"=x"}}, {"", []string{"Ni ce=3"}}, {"", []string{"Nice=3\nUser=root"}}, {"", []string{`Nice=3\`}},
		{"a\rb", []string{"Nice=3"}}, {`a\`, []string{"Nice=3"}},
	} {
		_, err := Render(Options{Name: "a", Exec: []string{"/x"}, Service: []Group{g}})
		assert.ErrorContains(t, err, "Service: ", "%q", g)
	}
}

// TestSystemdVersion checks that a systemd gets no directive that it doesn't know, and
// those that it does.
func TestSystemdVersion(t *testing.T) {
	for directive, c := range map[string]struct {
		first int
		warm  bool
	}{
		"RestartSteps=5":             {254, true},
		"RestartMaxDelaySec=10s":     {254, true},
		"PollLimitIntervalSec=100ms": {255, false},
		"PollLimitBurst=20":          {255, false},
	} {
		assert.Contains(t, systemdVersions, c.first)
		for version, want := range map[int]bool{0: false, 240: false, c.first - 1: false, c.first: true, 300: true} {
			for _, warm := range []bool{true, false} {
				pair, err := Render(Options{Name: "a", Exec: []string{"/x"}, Warm: warm, SystemdVersion: version})
				require.NoError(t, err)
				got := strings.Contains(pair.Socket+pair.Service, "\n"+directive+"\n")
				assert.Equal(t, want && warm == c.warm, got, "%s with systemd %d, warm %v", directive, version, warm)
			}
		}
	}
}
