package units

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSplitCommand(t *testing.T) {
	for line, want := range map[string][]string{
		`/bin/a`:                          {"/bin/a"},
		`  /bin/a  b	c `:                  {"/bin/a", "b", "c"},
		`/bin/a "b c" 'd "e' f\x20g "\""`: {"/bin/a", "b c", `d "e`, "f g", `"`},
		`/bin/a 100%% $$HOME ${X} ""`:     {"/bin/a", "100%", "$HOME", "${X}", ""},
		`-/bin/a b`:                       {"/bin/a", "b"},
		`@/bin/a name b`:                  {"/bin/a", "b"},
		`/bin/a \u00e4\303\244\s\t`:       {"/bin/a", "ää \t"},
	} {
		got, err := SplitCommand(line)
		require.NoError(t, err, line)
		assert.Equal(t, want, got, line)
	}
	for _, line := range []string{"", "  ", `/bin/a "b`, `/bin/a \`, `/bin/a \q`, `/bin/a \x0`, `/bin/a \777`} {
		_, err := SplitCommand(line)
		assert.Error(t, err, line)
	}
	for _, argv := range [][]string{{"/a b/c", "d e", "", ";", `"'\`, "%i $x $$", "\t", "ä"}} {
		got, err := SplitCommand(command(argv))
		require.NoError(t, err)
		assert.Equal(t, argv, got, "what is rendered is read again")
	}
}
