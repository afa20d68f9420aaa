package syntax

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

// Split splits the value of ExecStart= into words, the inverse of [Command]. Prefixes of the program, such
// as @ and -, and the argv[0] after @ are omitted; of variables and specifiers only $$ and %% are
// expanded. Of several commands, separated by semicolons, it returns the first.
func Split(line string) (words []string, err error) {
	for {
		line = strings.TrimLeft(line, " \t")
		if line == "" || isWord(line, ";") && len(words) > 0 {
			break
		}
		var word string
		if isWord(line, `\;`) {
			word, line = ";", line[2:]
		} else if word, line, err = cutWord(line); err != nil {
			return nil, err
		}
		word = Unescape(word)
		if len(words) > 0 {
			word = strings.ReplaceAll(word, "$$", "$")
		}
		words = append(words, word)
	}
	if len(words) == 0 {
		return nil, errors.New("no command")
	}
	program := strings.TrimLeft(words[0], "@-:+!")
	if strings.Contains(words[0][:len(words[0])-len(program)], "@") && len(words) > 1 {
		words = slices.Delete(words, 1, 2) // how it calls itself
	}
	words[0] = program
	return words, nil
}

// isWord reports whether a line begins with that word.
func isWord(line, word string) bool {
	rest, found := strings.CutPrefix(line, word)
	return found && (rest == "" || rest[0] == ' ' || rest[0] == '\t')
}

// cutWord cuts the first word off, and resolves its quotes and backslashes.
func cutWord(s string) (word, rest string, err error) {
	var b strings.Builder
	var quoted byte
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			n, text, ok := unescapeC(s[i+1:])
			if !ok {
				return "", "", errors.New("invalid escape sequence after a backslash")
			}
			b.WriteString(text)
			i += n
		case quoted != 0 && c == quoted:
			quoted = 0
		case quoted != 0:
			b.WriteByte(c)
		case c == '"' || c == '\'':
			quoted = c
		case c == ' ' || c == '\t':
			return b.String(), s[i:], nil
		default:
			b.WriteByte(c)
		}
	}
	if quoted != 0 {
		return "", "", errors.New("a quote is not closed")
	}
	return b.String(), "", nil
}

// unescapeC resolves the escape sequence after a backslash (systemd.syntax(7), Quoting) of n bytes.
func unescapeC(s string) (n int, text string, ok bool) {
	if s == "" {
		return 0, "", false
	}
	if i := strings.IndexByte(`abfnrtv\"'s`, s[0]); i >= 0 {
		return 1, "\a\b\f\n\r\t\v\\\"' "[i : i+1], true
	}
	digits, base := 0, 16
	switch s[0] {
	case 'x':
		digits = 2
	case 'u':
		digits = 4
	case 'U':
		digits = 8
	default:
		digits, base = 3, 8
	}
	start := 1
	if base == 8 {
		start = 0
	}
	if len(s) < start+digits {
		return 0, "", false
	}
	v, err := strconv.ParseUint(s[start:start+digits], base, 32)
	switch {
	case err != nil || v == 0:
		return 0, "", false
	case digits > 3:
		return start + digits, string(rune(v)), true
	case v > 255:
		return 0, "", false
	}
	return start + digits, string([]byte{byte(v)}), true
}
