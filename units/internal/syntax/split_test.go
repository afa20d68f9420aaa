package syntax

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSplit(t *testing.T) {
	for line, want := range map[string][]string{
		`/bin/a`:                          {"/bin/a"},
		`  /bin/a  b	c `:                  {"/bin/a", "b", "c"},
		`/bin/a "b c" 'd "e' f\x20g "\""`: {"/bin/a", "b c", `d "e`, "f g", `"`},
		`/bin/a 100%% $$HOME ${X} ""`:     {"/bin/a", "100%", "$HOME", "${X}", ""},
		`-/bin/a b`:                       {"/bin/a", "b"},
		`@/bin/a name b`:                  {"/bin/a", "b"},
		`/bin/a b \; c\x3b ";" \;`:        {"/bin/a", "b", ";", "c;", ";", ";"},
		`/bin/a b ; /bin/c`:               {"/bin/a", "b"},
		`/bin/a b ;`:                      {"/bin/a", "b"},
		`/bin/a \u00e4\303\244\s\t`:       {"/bin/a", "ää \t"},
	} {
		got, err := Split(line)
		require.NoError(t, err, line)
		assert.Equal(t, want, got, line)
	}
	for _, line := range []string{"", "  ", `/bin/a "b`, `/bin/a \`, `/bin/a \q`, `/bin/a \x0`, `/bin/a \777`} {
		_, err := Split(line)
		assert.Error(t, err, line)
	}
}

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
		assert.Equal(t, "/bin/x "+c.want, Command([]string{"/bin/x", c.word}), c.word)
	}
}

func TestQuotePath(t *testing.T) {
	for path, want := range map[string]string{
		"/home/u/app": "/home/u/app",
		"/home/a b":   `"/home/a b"`,
		"/home/a:b":   `"/home/a:b"`,
		"/home/100%":  "/home/100%%",
	} {
		assert.Equal(t, want, QuotePath(path))
	}
}

// FuzzCommand checks that words which are joined are taken apart into the same ones, and that what
// another author has written keeps its words when it is rewritten.
func FuzzCommand(f *testing.F) {
	f.Add("/a b/c\x00d e\x00\x00;\x00\"'\\\x00%i $x $$\x00\t\x00ä")
	f.Add(`@/bin/a 'name' "b\"c" \x20\n 100%% $$HOME`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) { // which systemd ignores
			return
		}
		words := append([]string{"/bin/x"}, strings.Split(text, "\x00")...)
		line := Command(words)
		require.True(t, Printable(line), "%q is no line of a unit", line)
		got, err := Split(line)
		require.NoError(t, err, line)
		require.Equal(t, words, got, line)
		if words, err = Split(text); err == nil && !strings.Contains(text, "\x00") { // which no file of text has
			got, err = Split(Command(words))
			require.NoError(t, err, text)
			require.Equal(t, words, got, text)
		}
	})
}
