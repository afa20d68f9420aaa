// Package plain makes foreign text safe to print: characters that could control a terminal, or make text look like
// other text, are escaped. Commands use it for all text that isn't their own: output and exceptions of
// applications, entries of the journal, names of files.
package plain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line makes text safe for one line, or a part of it.
func Line(s string) string { return text(s, steers) }

// Text makes text of several lines safe.
func Text(s string) string {
	return text(strings.ReplaceAll(s, "\r\n", "\n"), func(r rune) bool { return r != '\n' && steers(r) })
}

// Quote is Text with indented lines, which distinguishes it from this program's own.
func Quote(s string) string {
	return "  " + strings.ReplaceAll(Text(strings.TrimRight(s, "\n")), "\n", "\n  ")
}

// steers reports whether a character is escaped: controls of both sets (ECMA-48), invisible ones and those that change
// the direction of text (Unicode's Cf, Zl, Zp), and invalid ones.
func steers(r rune) bool { return r != '\t' && !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r) }

func text(s string, steers func(rune) bool) string {
	if utf8.ValidString(s) && !strings.ContainsFunc(s, steers) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case steers(r):
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		default:
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// WriteJSON writes a value as JSON. Only its strings can contain such characters.
func WriteJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	var out strings.Builder
	for _, r := range b.String() {
		switch {
		case r == '\n' || !steers(r):
			out.WriteRune(r)
		case r > 0xffff: // a pair of surrogates (RFC 8259, 7)
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		default:
			fmt.Fprintf(&out, `\u%04x`, r)
		}
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// Writer passes on the data written to it as Text.
type Writer struct {
	to   io.Writer
	rest []byte // the beginning of a character, or of the end of a line
}

// NewWriter returns a writer to which Text may be written in any parts. Close ends the last one.
func NewWriter(to io.Writer) *Writer { return &Writer{to: to} }

func (w *Writer) Write(p []byte) (int, error) {
	all := append(w.rest, p...)
	keep := unfinished(all)
	w.rest = append([]byte{}, all[len(all)-keep:]...)
	if _, err := io.WriteString(w.to, Text(string(all[:len(all)-keep]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// unfinished is the number of bytes at the end whose meaning depends on the next ones.
func unfinished(p []byte) int {
	if bytes.HasSuffix(p, []byte("\r")) {
		return 1
	}
	for n := 1; n < utf8.UTFMax && n <= len(p); n++ {
		if last := p[len(p)-n:]; utf8.RuneStart(last[0]) {
			if utf8.FullRune(last) {
				return 0
			}
			return n
		}
	}
	return 0
}

// Close writes the buffered bytes; it doesn't close the underlying writer.
func (w *Writer) Close() error {
	_, err := io.WriteString(w.to, Text(string(w.rest)))
	w.rest = nil
	return err
}
