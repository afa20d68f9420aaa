package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/socketgi/socketgi/cmd/socketgi/internal/plain"
)

// logTo prints each step on a line.
func logTo(w io.Writer) func(format string, arg ...any) {
	return func(format string, arg ...any) { fmt.Fprintf(w, format+"\n", arg...) }
}

func printPlan(w io.Writer, plan func() ([]string, error)) error {
	steps, err := plan()
	for _, step := range steps {
		fmt.Fprintln(w, plain.Line(step))
	}
	return err
}

// interruptible cancels run on Ctrl-C.
func interruptible(run func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return run(ctx)
}
