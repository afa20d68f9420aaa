package units

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCommand(t *testing.T) {
	for _, c := range []struct {
		word, want string
	}{
		{"plain", "plain"},
		{"--flag=x", "--flag=x"},
		{"two words", `"two words"`},
		{"", `""`},
		{";", `";"`},
		{`it's`, `"it's"`},
		{`a"b\c`, `"a\"b\\c"`},
		{"$HOME", "$$HOME"},
		{"100%", "100%%"},
		{"tab\t", `"tab\x09"`},
		{"ünïcode", "ünïcode"},
	} {
		assert.Equal(t, "/bin/x "+c.want, command([]string{"/bin/x", c.word}), c.word)
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"a", "hello", "my-app_2.0", strings.Repeat("x", 64)} {
		assert.NoError(t, CheckName(name), name)
	}
	for _, name := range []string{"", ".", "..", "-a", ".a", "a b", "a/b", "a@b", "ä", "a%i", strings.Repeat("x", 65)} {
		assert.Error(t, CheckName(name), name)
	}
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
	} {
		_, err := Render(o)
		assert.Error(t, err, "%+v", o)
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

// TestCheckUnit checks that a check differs from the service in what it is for, and in
// nothing of its sandbox.
func TestCheckUnit(t *testing.T) {
	for _, warm := range []bool{false, true} {
		o := Options{Name: "a", Exec: []string{"/x", "app"}, Adapter: true, Code: true, Warm: warm, Profile: Strict,
			User: "u", Env: []string{"A=b"}, State: true, WorkingDirectory: "/home/app"}
		pair, err := Render(o)
		require.NoError(t, err)
		check, err := RenderCheck(o, "/run/out%put")
		require.NoError(t, err)
		assert.Contains(t, check, "\nExecStart=/x --check --cache /run/socketgi-a@check app\n")
		assert.Contains(t, check, "\nStandardError=file:/run/out%%put\n")
		assert.NotContains(t, check, "a.socket")
		_, service, _ := strings.Cut(pair.Service, "\nWorkingDirectory=")
		service, _, _ = strings.Cut(service, "\n# The locks of")
		service, _, _ = strings.Cut(service, "\n# When memory")
		assert.Contains(t, check, service)
	}
	_, err := RenderCheck(Options{Name: "a", Exec: []string{"/x"}}, "/run/output")
	assert.Error(t, err)
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
