package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
)

// table prints rows in aligned columns, as systemctl does; the last column is as long as
// it wants to be.
type table struct {
	rows [][]cell
}

// cell is a text, and how it looks on a terminal.
type cell struct {
	text  string
	color color
	right bool
}

func (t *table) add(cells ...cell) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer, p painter, indent string) {
	var widths []int
	for _, row := range t.rows {
		for i := range row {
			row[i].text = plain.Line(row[i].text)
		}
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	for _, row := range t.rows {
		line := indent
		for i, c := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
			if c.right {
				line += pad + p.paint(c.color, c.text)
			} else {
				line += p.paint(c.color, c.text) + pad
			}
			line += " "
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// texts are cells without more.
func texts(s ...string) (cells []cell) {
	for _, text := range s {
		cells = append(cells, cell{text: text})
	}
	return cells
}
