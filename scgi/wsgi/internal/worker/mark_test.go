package worker

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCutMark(t *testing.T) {
	for line, want := range map[string][2]string{
		"":                    {"", ""},
		"text":                {"", "text"},
		"\x1eid-1\x1ftext":    {"id-1", "text"},
		"\x1eid-1\x1f":        {"id-1", ""},
		"\x1eid\x1f\x1ea\x1f": {"id", "\x1ea\x1f"},
		"\x1e\x1ftext":        {"", "text"},
		"\x1eid":              {"", "\x1eid"},
		"\x1ea b\x1ftext":     {"", "\x1ea b\x1ftext"},
		"\x1ea\nb\x1ftext":    {"", "\x1ea\nb\x1ftext"},
		"text\x1eid\x1f":      {"", "text\x1eid\x1f"},
		"\x1e" + strings.Repeat("x", 65) + "\x1ft": {"", "\x1e" + strings.Repeat("x", 65) + "\x1ft"},
	} {
		id, text := CutMark([]byte(line))
		assert.Equal(t, want, [2]string{id, string(text)}, "%q", line)
	}
}

func FuzzCutMark(f *testing.F) {
	f.Add("\x1eid-1\x1ftext")
	f.Fuzz(func(t *testing.T, line string) {
		id, text := CutMark([]byte(line))
		if id != "" {
			assert.Equal(t, line, "\x1e"+id+"\x1f"+string(text))
		}
	})
}
