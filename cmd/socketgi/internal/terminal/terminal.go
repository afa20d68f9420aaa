// Package terminal is how commands print for people: colours, tables, times and sizes.
package terminal

import (
	"io"
	"os"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"golang.org/x/sys/unix"
)

// Color is a colour of terminals (ECMA-48, 8.3.117), "" for none.
type Color string

// Colours, all of them bold.
const (
	Bold   Color = "1"
	Red    Color = "1;31"
	Green  Color = "1;32"
	Yellow Color = "1;33"
)

// OfStatus is the colour of an HTTP status.
func OfStatus(status int) Color {
	switch {
	case status >= 500:
		return Red
	case status >= 400:
		return Yellow
	}
	return ""
}

// Painter colours text, where that is wanted.
type Painter bool

// NewPainter wants colours on a terminal, and none where NO_COLOR says so
// (https://no-color.org).
func NewPainter(w io.Writer) Painter {
	return Painter(Is(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

// Paint returns s in a colour.
func (p Painter) Paint(c Color, s string) string {
	if !p || c == "" || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

// Is tells whether what is written to w appears on a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Shown is where what may be kept in a file is printed: as it is, and plain on a terminal.
func Shown(w io.Writer) io.Writer {
	if Is(w) {
		return plain.NewWriter(w)
	}
	return w
}

// Progress says on a terminal what takes over a second; done takes it back.
func Progress(w io.Writer, what string) (done func()) {
	if !Is(w) {
		return func() {}
	}
	said := make(chan struct{})
	timer := time.AfterFunc(time.Second, func() {
		defer close(said)
		_, _ = io.WriteString(w, what+" ...")
	})
	return func() {
		if !timer.Stop() {
			<-said
			_, _ = io.WriteString(w, "\r"+strings.Repeat(" ", len(what)+4)+"\r")
		}
	}
}
