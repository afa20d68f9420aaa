package install

import "errors"

// undo is what takes back what was done so far.
type undo []func() error

func (u *undo) add(step func() error) { *u = append(*u, step) }

// run takes everything back, the last first, whatever goes wrong on the way.
func (u *undo) run() error {
	var all []error
	for i := len(*u) - 1; i >= 0; i-- {
		all = append(all, (*u)[i]())
	}
	*u = nil
	return errors.Join(all...)
}
