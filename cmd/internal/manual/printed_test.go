package manual

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPrinted(t *testing.T) {
	for text, want := range map[string]string{
		"see [socketgi-cgi(7)](socketgi-cgi.7.md), and [PEP](https://peps.python.org/)": "see **socketgi-cgi**(7), and [PEP](https://peps.python.org/)",
		"![the way](request.svg)\n<!-- in print:\n    nginx -> systemd\n-->\nThen":      "    nginx -> systemd\nThen",
		"![rates](rates.svg)\nThen": "\nThen",
		"a\n\n| what | status |\n| --- | --- |\n| it `a \\| b` dies | 502 |\n| b | c, d |\n\nend": "a\n\nit `a \\| b` dies\n: 502\n\nb\n: c, d\n\n\nend",
		"| a | b | c |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n":                                     "| a | b | c |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n",
	} {
		assert.Equal(t, want, printed(text))
	}
}

// TestTable: a row whose cells are wrapped is one row.
func TestTable(t *testing.T) {
	page := Edition{}.page("x", "7", "# NAME\n\n| a | b | c |\n| --- | --- | --- |\n| a text that is longer than thirty letters | 2 | 3 |\n")
	assert.Contains(t, string(page.Text), "T{\na text that is longer than thirty letters\nT}\t2\t3")
}
