package host

import "strings"

// CutProgram cuts the first word off a command line, with its quotes.
func CutProgram(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t")
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == ' ' || c == '\t':
			return s[:i], strings.TrimLeft(s[i:], " \t")
		}
	}
	return s, ""
}
