package main

import (
	"io"
	"os"
	"strings"
	"time"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
	"golang.org/x/sys/unix"
)

// color is a colour of terminals (ECMA-48, 8.3.117).
type color string

const (
	bold   color = "1"
	red    color = "1;31"
	green  color = "1;32"
	yellow color = "1;33"
)

// painter colours text, where that is wanted.
type painter bool

// newPainter wants colours on a terminal, and none where NO_COLOR says so
// (https://no-color.org).
func newPainter(w io.Writer) painter {
	return painter(isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
}

func (p painter) paint(c color, s string) string {
	if !p || c == "" || s == "" {
		return s
	}
	return "\x1b[" + string(c) + "m" + s + "\x1b[0m"
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}

// shown is where what may be kept in a file is printed: as it is, and plain on a terminal.
func shown(w io.Writer) io.Writer {
	if isTerminal(w) {
		return plain.NewWriter(w)
	}
	return w
}

// progress says on a terminal what takes over a second; done takes it back.
func progress(w io.Writer, what string) (done func()) {
	if !isTerminal(w) {
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
