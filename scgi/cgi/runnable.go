package cgi

import (
	"bytes"
	"os"
	"path"

	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// Check returns why no request can be answered: it checks, without starting a program, that this user
// can execute the program, or enter the directory.
func (c *Config) Check() error {
	if c.Root != "" {
		if err := unix.Access(c.Root, unix.X_OK); err != nil {
			return fault(outcome.Failed, c.Root+" may not be entered by this user: "+err.Error())
		}
		_, err := c.look(&script{}, "")
		return err
	}
	if err := unix.Access(path.Dir(c.Program), unix.X_OK); err != nil {
		return c.explain(c.Program, err)
	}
	if err := unix.Access(c.Program, unix.X_OK); err != nil {
		return c.explain(c.Program, err)
	}
	interpreter, carriageReturn := shebang(c.Program)
	if carriageReturn {
		return c.explain(c.Program, unix.ENOENT)
	}
	if p := readELF(c.Program); p != nil {
		interpreter = p.loader
	}
	if interpreter != "" {
		if err := unix.Access(interpreter, unix.X_OK); err != nil {
			return c.explain(c.Program, err)
		}
	}
	// A program that can be executed but not read passes this check.
	info, err := os.Stat(c.Program)
	head := firstBytes(c.Program)
	if err == nil && info.Size() == 0 || len(head) > 0 && !bytes.HasPrefix(head, []byte("\x7fELF")) && interpreter == "" {
		return c.explain(c.Program, unix.ENOEXEC)
	}
	return nil
}
