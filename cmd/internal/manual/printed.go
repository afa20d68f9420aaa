package manual

import (
	"regexp"
	"strings"
)

// printed turns a page as the web shows it into one for man(1): a picture gives way to the
// drawing in the comment below it, a link to another page to the page's name, and a table
// to a list, as manuals have it. Tables have two columns.
func printed(text string) string {
	text = picture.ReplaceAllString(text, "$1\n")
	text = link.ReplaceAllString(text, "**$1**($2)")
	var out strings.Builder
	var table []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") {
			table = append(table, line)
			continue
		}
		out.WriteString(list(table))
		table = nil
		out.WriteString(line)
	}
	out.WriteString(list(table))
	return out.String()
}

var (
	// picture is an image, and the comment that has what stands in its place in print.
	picture = regexp.MustCompile(`(?m)^!\[[^]]*\]\([^)]*\)\n(?:<!-- in print:\n((?s:.*?))\n-->\n)?`)
	// link is one to another page, such as [socketgi-cgi(7)](socketgi-cgi.7.md).
	link = regexp.MustCompile(`\[([a-z.-]+)\((\d)\)\]\([^)]*\)`)
)

// list is a table as a list of terms. Its first line has the titles, which a list doesn't
// need, and the second is a rule.
func list(table []string) string {
	var out strings.Builder
	for i, row := range table {
		if i > 1 {
			term, text, _ := strings.Cut(strings.Trim(strings.TrimSpace(row), "|"), " | ")
			out.WriteString(strings.TrimSpace(term) + "\n: " + strings.TrimSpace(text) + "\n\n")
		}
	}
	return out.String()
}
