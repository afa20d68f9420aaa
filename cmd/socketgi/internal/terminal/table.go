package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
)

// Table prints rows in aligned columns, as systemctl does; the last column is as long as
// it wants to be.
type Table struct {
	rows [][]Cell
}

// Cell is a text, and how it looks on a terminal.
type Cell struct {
	Text  string
	Color Color
	// Right aligns it to the right.
	Right bool
}

// Add adds a row.
func (t *Table) Add(cells ...Cell) { t.rows = append(t.rows, cells) }

// Print prints the rows, with indent before each.
func (t *Table) Print(w io.Writer, p Painter, indent string) {
	var widths []int
	for _, row := range t.rows {
		for i := range row {
			row[i].Text = plain.Line(row[i].Text)
		}
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.Text))
		}
	}
	for _, row := range t.rows {
		line := indent
		for i, c := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.Text))
			if c.Right {
				line += pad + p.Paint(c.Color, c.Text)
			} else {
				line += p.Paint(c.Color, c.Text) + pad
			}
			line += " "
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// Texts are cells without more.
func Texts(s ...string) (cells []Cell) {
	for _, text := range s {
		cells = append(cells, Cell{Text: text})
	}
	return cells
}
