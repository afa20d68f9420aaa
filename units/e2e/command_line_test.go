package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/units"
	"github.com/socketgi/socketgi/units/internal/machine"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCommandLines checks that systemd splits command lines, those of package units and handwritten ones,
// into the same words as package units.
func TestCommandLines(t *testing.T) {
	m := machine.Boot(t)
	print := []string{"/usr/bin/printf", `%s\0`} // each word, ended with a NUL
	var lines []string
	for _, words := range [][]string{
		{"a", "b c", "", ";", `"`, "'", `\`, `\n`, `"'\`, "ä"},
		{"%i", "%%", "100%", "$HOME", "$$", "${HOME}", "$", "%n $n"},
		{"\t", "\x01\x1b\x7f", " ", "a\u00a0b", "#", "; x", "a;", ";a", "\\;", "-x", "@x", "a=b"},
		{strings.Repeat("x", 5000), strings.Repeat("é ", 3000)},
	} {
		lines = append(lines, units.CommandLine(append(print[:2:2], words...)))
	}
	begin := units.CommandLine(print)
	for _, words := range []string{
		`a  b	c `, `"b c" 'd "e' f\x20g "\""`, `100%% $$HOME ""`, `\u00e4\303\244\s\t`, `a"b c"d 'e'f`, `'a\x27b' "a\tb"`, `\\\\ "\\"`, `\x41\101\U00000041`, `a \; b\x3b ";" \;`, `a ; /bin/true b`,
	} {
		lines = append(lines, begin+" "+words, "-"+begin+" "+words, "@"+strings.Replace(begin, " ", " name ", 1)+" "+words)
	}
	for i, line := range lines {
		name := fmt.Sprintf("line-%d", i)
		m.Write("/etc/systemd/system/"+name+".service", "[Service]\nType=oneshot\nExecStart="+line+"\nStandardOutput=file:/srv/"+name+"\n")
	}
	m.Run("systemctl", "daemon-reload")
	for i, line := range lines {
		name := fmt.Sprintf("line-%d", i)
		m.Run("systemctl", "start", name+".service")
		words, err := units.ParseCommandLine(line)
		require.NoError(t, err, line)
		require.Equal(t, print, words[:2], line)
		assert.Equal(t, words[2:], strings.Split(strings.TrimSuffix(m.Run("cat", "/srv/"+name), "\x00"), "\x00"), line)
	}
}
