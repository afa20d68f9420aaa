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

// logTo prints what is being done, a line each.
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

// interruptible has Ctrl-C end what is being done.
func interruptible(run func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	return run(ctx)
}
