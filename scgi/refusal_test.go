package scgi

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{ErrNoSCGI, 400, "The request was refused: the header SCGI is not sent with the value 1."},
		{ErrBodyTooLarge, 413, "The request was refused: the request body exceeds the limit."},
		{&os.PathError{Op: "write", Path: "/secret", Err: unix.ENOSPC}, 507, "There is no space for the request's body."},
		{os.NewSyscallError("open", unix.EMFILE), 503, "This machine is too busy. Try again in a few seconds."},
		{os.ErrPermission, 500, "The request can't be stored."},
	} {
		status, text := Refusal(c.err)
		assert.Equal(t, c.status, status, "%v", c.err)
		assert.Equal(t, c.text, text, "%v", c.err)
	}
}
