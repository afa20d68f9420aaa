package plain

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPlain(t *testing.T) {
	for s, want := range map[string]string{
		"a\tb ü% 日本 é":                "a\tb ü% 日本 é",
		"a\x1b[31m\r\n\u202e\x7f":     `a\x1b[31m` + "\n" + `\u202e\x7f`,
		"\x1b]52;c;aGk=\a":            `\x1b]52;c;aGk=\a`,
		"C1 \u009b31m \x9b31m \x85":   `C1 \u009b31m \x9b31m \x85`,
		"over\rwritten\b\v":           `over\rwritten\b\v`,
		"\u2066bidi\u2069 \u200ez":    `\u2066bidi\u2069 \u200ez`,
		"lines\u2028 \u2029":          `lines\u2028 \u2029`,
		"\xff\xc3 \xed\xa0\x80":       `\xff\xc3 \xed\xa0\x80`,
		"tags \U000e0041 \ufeff":      `tags \U000e0041 \ufeff`,
		"no-break\u00a0space \ufffd ": "no-break\u00a0space \ufffd ",
	} {
		assert.Equal(t, want, Text(s))
		assert.Equal(t, want, Text(want), "plain text is unchanged")
		assert.Equal(t, strings.ReplaceAll(want, "\n", `\r\n`), Line(s))
	}
	assert.Equal(t, "  socketgi: all is well\n  \\x1b", Quote("socketgi: all is well\n\x1b\n\n"))
}

func TestWriteJSON(t *testing.T) {
	given := map[string]string{"<k>": "\x1b \u009b \u202e \U000e0041 \x7f é\n"}
	var b strings.Builder
	require.NoError(t, WriteJSON(&b, given))
	assert.Equal(t, "{\n  \"<k>\": \"\\u001b \\u009b \\u202e \\udb40\\udc41 \\u007f é\\n\"\n}\n", b.String())
	var got map[string]string
	require.NoError(t, json.Unmarshal([]byte(b.String()), &got))
	assert.Equal(t, given, got)
}

// FuzzPlain checks that nothing that steers is left, and that in parts it is the same.
func FuzzPlain(f *testing.F) {
	f.Add("a\x1b[31m\r\n\u202e\x9b\xc2", "\x9b\r", "\n\xe2\x80")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		whole := Text(a + b + c)
		assert.True(t, utf8.ValidString(whole))
		assert.False(t, strings.ContainsFunc(strings.ReplaceAll(whole, "\n", ""), steers))
		var out strings.Builder
		w := NewWriter(&out)
		for _, part := range []string{a, b, c} {
			n, err := w.Write([]byte(part))
			assert.NoError(t, err)
			assert.Equal(t, len(part), n)
		}
		assert.NoError(t, w.Close())
		assert.Equal(t, whole, out.String())
	})
}
