// Package terminal is how commands print for people: colours, tables, times and sizes.
package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
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

// NewPainter uses colours on a terminal, unless NO_COLOR is set
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

// Is reports whether what is written to w appears on a terminal.
func Is(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// Width is the number of columns of the terminal that w writes to, 0 if it is none.
func Width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err == nil {
			return int(size.Col)
		}
	}
	return 0
}

// Shown is where what may be kept in a file is printed: as it is, and plain on a terminal.
func Shown(w io.Writer) io.Writer {
	if Is(w) {
		return plain.NewWriter(w)
	}
	return w
}

// Progress shows on a terminal what takes over a second, and how many seconds it has taken; done takes
// that back. Anywhere else nothing is written.
func Progress(w io.Writer, what string) (done func()) {
	if !Is(w) {
		return func() {}
	}
	ticker := time.NewTicker(time.Second)
	stop := count(w, plain.Line(what), ticker.C)
	return func() {
		ticker.Stop()
		stop()
	}
}

// count writes what is being done and how many seconds have passed, one for each tick.
func count(w io.Writer, what string, ticks <-chan time.Time) (done func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		back := ""
		for seconds := 1; ; seconds++ {
			select {
			case <-ticks:
				line := fmt.Sprintf("%s ... %d s", what, seconds)
				_, _ = io.WriteString(w, back+line)
				back = "\r" + strings.Repeat(" ", len(line)) + "\r"
			case <-end:
				_, _ = io.WriteString(w, back)
				return
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(end)
		<-ended
	})
}
