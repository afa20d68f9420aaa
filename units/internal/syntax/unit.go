package syntax

import "strings"

// Unit collects the text of a unit file: comments at its head, then sections (systemd.syntax(7)).
type Unit struct {
	head     []string
	sections []*Section
}

// Section collects directives, each with the comment in front of it.
type Section struct {
	name    string
	entries []entry
}

type entry struct {
	why         string // lines of comment, "" for none
	name, value string
}

// New begins a unit with lines of comment.
func New(head ...string) *Unit {
	u := &Unit{}
	for _, text := range head {
		u.Comment(text)
	}
	return u
}

// Comment adds a line to the head of the unit.
func (u *Unit) Comment(text string) { u.head = append(u.head, OneLine(text)) }

// Section returns the section of that name, which is added if it is missing.
func (u *Unit) Section(name string) *Section {
	for _, s := range u.sections {
		if s.name == name {
			return s
		}
	}
	s := &Section{name: name}
	u.sections = append(u.sections, s)
	return s
}

// Add adds lines NAME=VALUE unchanged.
func (s *Section) Add(lines ...string) { s.Because("", lines...) }

// Because adds lines after a comment with the reason, which may have several lines.
func (s *Section) Because(why string, lines ...string) {
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		s.entries = append(s.entries, entry{why, name, value})
		why = ""
	}
}

// Value adds a directive with a literal value, whose specifiers are escaped.
func (s *Section) Value(name, value string) {
	s.entries = append(s.entries, entry{name: name, value: Escape(value)})
}

// Word adds a directive with one item of a list, such as Environment=.
func (s *Section) Word(name, word string) {
	s.entries = append(s.entries, entry{name: name, value: Quote(word)})
}

// Command adds a directive that runs a command, such as ExecStart=.
func (s *Section) Command(name string, words []string) {
	s.entries = append(s.entries, entry{name: name, value: Command(words)})
}

// Set replaces the last line of that name and its comment, or adds one.
func (s *Section) Set(name, value string) {
	for i := len(s.entries) - 1; i >= 0; i-- {
		if s.entries[i].name == name {
			s.entries[i] = entry{name: name, value: value}
			return
		}
	}
	s.entries = append(s.entries, entry{name: name, value: value})
}

// String is the text of the unit file.
func (u *Unit) String() string {
	var b strings.Builder
	comment := func(text string) { b.WriteString("# " + strings.ReplaceAll(text, "\n", "\n# ") + "\n") }
	for _, text := range u.head {
		comment(text)
	}
	for i, s := range u.sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString("[" + s.name + "]\n")
		for _, e := range s.entries {
			if e.why != "" {
				comment(e.why)
			}
			b.WriteString(e.name + "=" + e.value + "\n")
		}
	}
	return b.String()
}

// Parse is the inverse of [Unit.String], for its results only.
func Parse(text string) *Unit {
	u := &Unit{}
	var s *Section
	var why []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		comment, isComment := strings.CutPrefix(line, "# ")
		switch {
		case isComment && s == nil:
			u.head = append(u.head, comment)
		case isComment:
			why = append(why, comment)
		case strings.HasPrefix(line, "["):
			s = u.Section(strings.Trim(line, "[]"))
		case line != "":
			s.Because(strings.Join(why, "\n"), line)
			why = nil
		}
	}
	return u
}
