package manual

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPrinted(t *testing.T) {
	for text, want := range map[string]string{
		"see [socketgi-cgi(7)](socketgi-cgi.7.md), and [PEP](https://peps.python.org/)": "see **socketgi-cgi**(7), and [PEP](https://peps.python.org/)",
		"![the way](request.svg)\n<!-- in print:\n    nginx -> systemd\n-->\nThen":      "    nginx -> systemd\nThen",
		"![rates](rates.svg)\nThen": "\nThen",
		"a\n\n| what | status |\n| --- | --- |\n| it `a \\| b` dies | 502 |\n| b | c, d |\n\nend": "a\n\nit `a \\| b` dies\n: 502\n\nb\n: c, d\n\n\nend",
	} {
		assert.Equal(t, want, printed(text))
	}
}

// TestPages: all links lead to pages, and no table is wider than the list that it becomes.
func TestPages(t *testing.T) {
	entries, err := files.ReadDir(".")
	require.NoError(t, err)
	for _, entry := range entries {
		text := read(entry.Name())
		for _, m := range regexp.MustCompile(`\[([a-z-]+)\((\d)\)\]\(([^)]*)\)`).FindAllStringSubmatch(text, -1) {
			assert.Equal(t, m[1]+"."+m[2]+".md", m[3], entry.Name())
			assert.FileExists(t, m[3], entry.Name())
		}
		for _, row := range regexp.MustCompile(`(?m)^\|.*`).FindAllString(text, -1) {
			assert.Len(t, strings.Split(row, " | "), 2, "%s: %s", entry.Name(), row)
		}
	}
}
