// Package syntax writes and reads the text of unit files as systemd does: quotes, specifiers and
// command lines (systemd.syntax(7), systemd.unit(5), systemd.service(5)), and the sections and lines
// that they stand in.
package syntax

import (
	"strconv"
	"strings"
)

// Escape protects % in a value, where systemd would expand it (systemd.unit(5), Specifiers).
func Escape(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// Unescape is the inverse of Escape. Other specifiers stay as they are.
func Unescape(s string) string { return strings.ReplaceAll(s, "%%", "%") }

// Command joins words as ExecStart= takes them apart (systemd.service(5), Command Lines). The first
// one is a path, in which systemd expands no variables.
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

// Quote protects a word in a list of words: from being expanded, and where it has to be, from being
// taken apart (systemd.syntax(7), Quoting).
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

// QuotePath protects a path of BindReadOnlyPaths= and its kin, where blanks and colons mean something
// else (systemd.exec(5)). Versions of systemd differ in how they read quotation marks and backslashes
// there: a path must have none.
func QuotePath(s string) string {
	s = Escape(s)
	if !strings.ContainsAny(s, " \t:") {
		return s
	}
	return `"` + s + `"`
}

// Printable tells whether a text is without control characters of ASCII.
func Printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
}
