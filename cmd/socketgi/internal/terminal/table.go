package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
)

// Table prints rows in aligned columns, as systemctl does.
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

// Print prints the rows, with indent before each. On a terminal, long texts of the last columns are cut
// to fit its width.
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
	fit(widths, Width(w)-utf8.RuneCountInString(indent))
	for _, row := range t.rows {
		line := indent
		for i, c := range row {
			c.Text = cut(c.Text, widths[i])
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

// leastColumn is the width below which no column is cut.
const leastColumn = 12

// fit narrows columns from the last one, until they take no more than width with a blank between them.
// Without a terminal, width is less than 1.
func fit(widths []int, width int) {
	if width < 1 {
		return
	}
	over := len(widths) - 1 - width
	for _, n := range widths {
		over += n
	}
	for i := len(widths) - 1; i >= 0 && over > 0; i-- {
		less := min(over, max(widths[i]-leastColumn, 0))
		widths[i], over = widths[i]-less, over-less
	}
}

// cut shortens a text to n characters.
func cut(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n-1]) + "…"
	}
	return s
}

// Texts are cells without color.
func Texts(s ...string) (cells []Cell) {
	for _, text := range s {
		cells = append(cells, Cell{Text: text})
	}
	return cells
}
