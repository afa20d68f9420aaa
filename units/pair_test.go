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

func TestCheckListen(t *testing.T) {
	for _, s := range []string{"/run/a.sock", "127.0.0.1:9000", "[::1]:9000"} {
		assert.NoError(t, checkListen(s), s)
	}
	for _, s := range []string{"rel.sock", "9000", "0.0.0.0:9000", "[::]:9000", "127.0.0.1:x", "127.0.0.1:99999", "127.0.0.1:0", "@abstract", "192.0.2.1:80"} {
		assert.Error(t, checkListen(s), s)
	}
}

func TestRenderRefuses(t *testing.T) {
	for _, o := range []Options{
		{Name: "a", Exec: nil},
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
