// Package unitfile reads unit files as systemd does (systemd.syntax(7)). go-systemd's parser refuses
// lines of more than 2047 bytes, though systemd takes a megabyte, and comments between lines that are
// continued; and it leaves the ends of those lines in the value.
package unitfile

import "strings"

// Option is a directive in a section.
type Option struct{ Section, Name, Value string }

// Located is a directive and the line of the file on which it begins, from 1.
type Located struct {
	Option
	Line int
}

// white is what systemd takes for white space, but for the ends of lines.
const white = " \t"

// ends are those of lines.
var ends = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// Parse lists the directives of a unit file in their order. A backslash at the end of a line and the
// line break are a blank in the value; quotes and specifiers stay as they are. Other lines are
// ignored: systemd only warns of them.
func Parse(text string) (options []Option) {
	for _, o := range Locate(text) {
		options = append(options, o.Option)
	}
	return options
}

// Locate is [Parse] with the lines.
func Locate(text string) (options []Located) {
	section, begun, number, first := "", "", 0, 0
	for line := range strings.SplitSeq(ends.Replace(strings.TrimPrefix(text, "\ufeff")), "\n") {
		number++
		line = strings.TrimLeft(line, white)
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue // also between lines that are continued
		}
		if begun == "" {
			first = number
		}
		line = begun + line
		if begun = ""; continues(line) {
			begun = line[:len(line)-1] + " "
			continue
		}
		line = strings.Trim(line, white)
		if inner, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(inner, "]")
		} else if name, value, ok := strings.Cut(line, "="); ok && section != "" {
			options = append(options, Located{Option{section, strings.TrimRight(name, white), strings.TrimLeft(value, white)}, first})
		}
	}
	return options
}

// continues reports whether the last character is a backslash that none before it escapes.
func continues(line string) bool {
	return (len(line)-len(strings.TrimRight(line, `\`)))%2 == 1
}
