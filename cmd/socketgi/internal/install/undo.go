package install

import (
	"context"
	"errors"
	"fmt"
)

// undo has the functions that revert the steps so far.
type undo []func() error

func (u *undo) add(step func() error) { *u = append(*u, step) }

// run reverts all steps, the last first, even after errors.
func (u *undo) run() error {
	var all []error
	for i := len(*u) - 1; i >= 0; i-- {
		all = append(all, (*u)[i]())
	}
	*u = nil
	return errors.Join(all...)
}

// wholly does something completely or not at all.
func wholly(ctx context.Context, do func(back, keep *undo) error) error {
	var back, keep undo
	err := do(&back, &keep)
	if err == nil {
		return keep.run()
	}
	if ctx.Err() != nil {
		err = errors.New("interrupted: all changes were undone")
	}
	if backErr := back.run(); backErr != nil {
		err = fmt.Errorf("%w\nand undoing the changes failed, too: %w", err, backErr)
	}
	return err
}
