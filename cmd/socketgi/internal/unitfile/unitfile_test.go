package unitfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("x ", 5000) + "x"
	for text, want := range map[string][]Option{
		"[A]\nB=c\n":                             {{"A", "B", "c"}},
		"[A]\nB = c d  ":                         {{"A", "B", "c d"}},
		"[A]\r\nB=c\r\n":                         {{"A", "B", "c"}},
		"\ufeff[A]\nB=c":                         {{"A", "B", "c"}},
		"[A]\n B=\nB==\n":                        {{"A", "B", ""}, {"A", "B", "="}},
		"[A]\nB=c\n[D]\nB=e\n[A]\nB=f\n":         {{"A", "B", "c"}, {"D", "B", "e"}, {"A", "B", "f"}},
		"# x\n[A]\n; y\nB=c # d\n":               {{"A", "B", "c # d"}},
		"[A]\nB=c \\\n  d\\\ne\nF=g":             {{"A", "B", "c  d e"}, {"A", "F", "g"}},
		"[A]\nB=c \\\n# x\\\n  ; y\n  d\nF=g":    {{"A", "B", "c  d"}, {"A", "F", "g"}},
		"[A]\nB=c \\\n\nF=g":                     {{"A", "B", "c"}, {"A", "F", "g"}},
		"[A]\nB=c\\\\\nF=g":                      {{"A", "B", `c\\`}, {"A", "F", "g"}},
		"[A]\n# a comment isn't continued\\\nB=": {{"A", "B", ""}},
		"[A]\nnonsense\nB=c\n":                   {{"A", "B", "c"}},
		"B=c\n":                                  nil,
		"":                                       nil,
		"[A]\nB=" + long:                         {{"A", "B", long}},
	} {
		assert.Equal(t, want, Parse(text), text)
	}
}

// FuzzUnit checks that what was read is read again when it is written with a line for each.
func FuzzUnit(f *testing.F) {
	f.Add("[A]\nB = c \\\n# x\n d\nnonsense\n[C]\nD=\\\\\n")
	f.Fuzz(func(t *testing.T, text string) {
		options := Parse(text)
		var b strings.Builder
		for _, o := range options {
			b.WriteString("[" + o.Section + "]\n" + o.Name + "=" + o.Value + " \n") // of which the blank is no part
		}
		require.Equal(t, options, Parse(b.String()))
	})
}

func TestLocate(t *testing.T) {
	assert.Equal(t, []Located{{Option{"A", "B", "c  d"}, 2}, {Option{"A", "E", "f"}, 6}}, Locate("[A]\nB=c \\\n# x\n  d\n\nE=f\n"))
}
