package manual

import (
	"fmt"
	"strings"
)

// Adapter is socketgi-adapter(8), with all flags of which "socketgi-adapter --help"
// tells.
func Adapter(help string, e Edition) (Page, error) {
	options, err := flags(help)
	if err != nil {
		return Page{}, err
	}
	return e.page("socketgi-adapter", "8", strings.Replace(adapter, "OPTIONS-OF-THE-ADAPTER\n", options, 1)), nil
}

// flags makes a list of what flag.PrintDefaults has printed: a line with the flag and
// the name of its value, and one with a tab that says what it does.
func flags(help string) (string, error) {
	_, list, ok := strings.Cut(help, "\nflags:\n")
	if !ok {
		return "", fmt.Errorf("socketgi-adapter --help lists no flags:\n%s", help)
	}
	var b strings.Builder
	for line := range strings.Lines(list) {
		line = strings.TrimRight(line, "\n")
		if flag, ok := strings.CutPrefix(line, "  -"); ok {
			name, value, _ := strings.Cut(flag, " ")
			fmt.Fprintf(&b, "**--%s**", name)
			if value != "" {
				fmt.Fprintf(&b, " *%s*", plain(value))
			}
			continue
		}
		usage, ok := strings.CutPrefix(line, "    \t")
		if !ok {
			return "", fmt.Errorf("socketgi-adapter --help has a line that can't be understood: %q", line)
		}
		fmt.Fprintf(&b, "\n: %s\n\n", plain(usage))
	}
	return b.String(), nil
}
