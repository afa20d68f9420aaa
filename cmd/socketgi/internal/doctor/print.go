package doctor

import (
	"fmt"
	"io"
	"strings"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
)

// marks begin a line.
var marks = map[Level]string{OK: "  ok ", Note: "note ", Unchecked: "  ?? ", Warning: "WARN ", Error: "FAIL "}

// colors are those of the marks on a terminal.
var colors = map[Level]terminal.Color{OK: terminal.Green, Unchecked: terminal.Yellow, Warning: terminal.Yellow, Error: terminal.Red}

// Print writes the reports for people: a line for each finding, and for problems the effect and the mend.
func Print(w io.Writer, reports []Report) {
	p := terminal.NewPainter(w)
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(w)
		}
		name := r.Name
		if name == "" {
			name = "this machine"
		}
		fmt.Fprintln(w, p.Paint(terminal.Bold, name))
		for _, f := range r.Findings {
			what := f.What
			if f.Level == Unchecked {
				what = "not checked: " + what
			}
			fmt.Fprintf(w, "%s %-8s %s\n", p.Paint(colors[f.Level], marks[f.Level]), f.Check, indent(what))
			if f.Why != "" {
				fmt.Fprintf(w, "               why:  %s\n", indent("      " + f.Why)[6:])
			}
			if f.Mend != "" {
				fmt.Fprintf(w, "               mend: %s\n", indent("      " + f.Mend)[6:])
			}
			if f.Do != "" {
				fmt.Fprintf(w, "               do:   %s\n", indent("      " + f.Do)[6:])
			}
		}
	}
}

// indent aligns further lines with the first one.
func indent(s string) string {
	return strings.ReplaceAll(plain.Text(strings.TrimRight(s, "\n")), "\n", "\n               ")
}
