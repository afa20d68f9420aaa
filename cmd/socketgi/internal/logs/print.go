package logs

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/cmd/internal/adapter"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/journal"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"github.com/socketgi/socketgi/cmd/socketgi/internal/terminal"
)

// printer prints entries for the operator: the time, the kind of the entry, and its text, whose lines are aligned.
type printer struct {
	w     io.Writer
	paint terminal.Painter
}

func newPrinter(w io.Writer) *printer { return &printer{w, terminal.NewPainter(w)} }

// priorities are names of three letters (syslog(3)).
var priorities = []string{"emg", "alt", "crt", "err", "wrn", "-", "-", "-"}

func (p *printer) print(e *journal.Entry) error {
	kind, look, text := "-", terminal.Color(""), e.Message
	if e.ID == adapter.RequestMessage {
		kind, look = strconv.Itoa(e.Status), terminal.OfStatus(e.Status)
		text = fmt.Sprintf("%s %s, %s, %.1f ms", e.Method, e.Path, terminal.Size(e.Bytes), e.MS)
		if e.Cut {
			text += ", cut"
		}
		if e.ExitStatus > 0 {
			text += ", exit status " + strconv.Itoa(e.ExitStatus)
		}
	} else if e.Priority >= 0 && e.Priority < len(priorities) {
		kind = priorities[e.Priority]
		switch {
		case e.Priority <= 3:
			look = terminal.Red
		case e.Priority == 4:
			look = terminal.Yellow
		}
	}
	if e.RequestID != "" && look != "" {
		text += "\n[" + e.RequestID + "]"
		if e.ID == adapter.RequestMessage {
			text = strings.Replace(text, "\n", " ", 1)
		}
	}
	// The output of a program can't look like another entry.
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := range lines {
		lines[i] = plain.Line(lines[i])
	}
	_, err := fmt.Fprintf(p.w, "%s %s %s\n", e.Time.Format(terminal.Stamp), p.paint.Paint(look, fmt.Sprintf("%-3s", kind)),
		strings.Join(lines, "\n"+strings.Repeat(" ", len(terminal.Stamp)+5)))
	return err
}
