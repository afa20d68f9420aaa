package syntax

import (
	"strings"
	"unicode/utf8"
)

// OneLine replaces characters that could end a line or a comment.
func OneLine(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError || c >= 0x80 && c < 0xa0 {
			return '?'
		}
		return c
	}, strings.ReplaceAll(s, "\t", " "))
	return strings.TrimRight(s, ` \`)
}
