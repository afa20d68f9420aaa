// Package syntax writes and reads unit files as systemd does: sections, directives, quotes, specifiers
// and command lines (systemd.syntax(7), systemd.unit(5), systemd.service(5)).
package syntax

import (
	"strconv"
	"strings"
)

// Escape escapes % in a value (systemd.unit(5), Specifiers).
func Escape(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// Unescape is the inverse of Escape. Specifiers are not expanded.
func Unescape(s string) string { return strings.ReplaceAll(s, "%%", "%") }

// Command joins words for ExecStart= (systemd.service(5), Command Lines). systemd expands no variables in
// the first one, the path.
func Command(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte(' ')
			word = strings.ReplaceAll(word, "$", "$$")
		}
		b.WriteString(Quote(word))
	}
	return b.String()
}

// Quote escapes a word of a list, and quotes it if needed (systemd.syntax(7), Quoting).
func Quote(s string) string {
	s = Escape(s)
	if s != "" && s != ";" && !strings.ContainsAny(s, " \t\"'\\;") && Printable(s) {
		return s
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			b.WriteString(`\x` + strconv.FormatUint(uint64(c)|0x100, 16)[1:])
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// QuotePath quotes a path for BindReadOnlyPaths= and similar directives, where blanks and colons separate
// (systemd.exec(5)). Versions of systemd read quotes and backslashes there differently: a path must have
// none.
func QuotePath(s string) string {
	s = Escape(s)
	if !strings.ContainsAny(s, " \t:") {
		return s
	}
	return `"` + s + `"`
}

// Printable reports whether a text has no ASCII control characters.
func Printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}
