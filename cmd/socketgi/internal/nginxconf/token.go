package nginxconf

import (
	"errors"
	"strings"
)

// scanner splits a file into words, as ngx_conf_read_token does.
type scanner struct {
	text string
	pos  int
	line int
}

// Characters that end a word or stand for themselves.
const (
	endOfFile  = 0
	semicolon  = ';'
	blockBegin = '{'
	blockEnd   = '}'
)

var errUnexpected = errors.New("unexpected text after a quote")

// words reads to the next ; { or }, and returns that character as end. first is the line of the first word.
func (s *scanner) words() (words []string, end byte, first int, err error) {
	for {
		s.space()
		if s.pos >= len(s.text) {
			if len(words) > 0 {
				return words, endOfFile, first, errors.New("the file ends within a directive")
			}
			return nil, endOfFile, s.line, nil
		}
		switch c := s.text[s.pos]; c {
		case semicolon, blockBegin, blockEnd:
			if c == blockEnd && len(words) > 0 {
				return nil, c, first, errors.New("} ends a directive that has no ;")
			}
			s.pos++
			return words, c, first, nil
		}
		if len(words) == 0 {
			first = s.line
		}
		word, err := s.word()
		if err != nil {
			return nil, endOfFile, first, err
		}
		words = append(words, word)
	}
}

// space skips blanks and comments.
func (s *scanner) space() {
	for ; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '\n':
			s.line++
		case ' ', '\t', '\r':
		case '#':
			end := strings.IndexByte(s.text[s.pos:], '\n')
			if end < 0 {
				s.pos = len(s.text)
				return
			}
			s.pos += end - 1
		default:
			return
		}
	}
}

// word reads one word. A quote is special only at the beginning of a word, and { not after a $.
func (s *scanner) word() (string, error) {
	var b strings.Builder
	quote := byte(0)
	if c := s.text[s.pos]; c == '"' || c == '\'' {
		quote = c
		s.pos++
	}
	variable := false
	for s.pos < len(s.text) {
		c := s.text[s.pos]
		behind := variable
		variable = c == '$'
		switch {
		case c == '\\' && s.pos+1 < len(s.text):
			b.WriteString(unescape(s.text[s.pos+1]))
			if s.text[s.pos+1] == '\n' {
				s.line++
			}
			s.pos += 2
			continue
		case quote != 0 && c == quote:
			s.pos++
			return b.String(), s.behindQuote()
		case quote != 0:
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == semicolon || c == blockBegin && !behind:
			return b.String(), nil
		}
		if c == '\n' {
			s.line++
		}
		b.WriteByte(c)
		s.pos++
	}
	if quote != 0 {
		return "", errors.New("a quote is not closed")
	}
	return b.String(), nil
}

func (s *scanner) behindQuote() error {
	if s.pos < len(s.text) && strings.IndexByte(" \t\r\n;{)", s.text[s.pos]) < 0 {
		return errUnexpected
	}
	return nil
}

// unescape resolves a backslash and the next character. The backslash is removed only before quotes, a
// backslash, t, r and n: regular expressions need it before others.
func unescape(c byte) string {
	switch c {
	case '"', '\'', '\\':
		return string(rune(c))
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case 'n':
		return "\n"
	}
	return string([]byte{'\\', c})
}

// raw skips a block of another language (content_by_lua_block) to its closing brace.
func (s *scanner) raw() error {
	for depth := 1; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; c {
		case '\n':
			s.line++
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				s.pos++
				return nil
			}
		case '"', '\'':
			for s.pos++; s.pos < len(s.text) && s.text[s.pos] != c; s.pos++ {
				if s.text[s.pos] == '\\' {
					s.pos++
				}
			}
		case '-':
			if strings.HasPrefix(s.text[s.pos:], "--") && !strings.HasPrefix(s.text[s.pos:], "--[") {
				if end := strings.IndexByte(s.text[s.pos:], '\n'); end > 0 {
					s.pos += end - 1
				}
			}
		}
	}
	return errors.New("a block of Lua is not closed")
}
