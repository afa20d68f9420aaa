package cgi

import (
	"bytes"
	"errors"
	"os"
	"path"
	"runtime"
	"strconv"
	"strings"

	"github.com/socketgi/socketgi/scgi/internal/child"
	"github.com/socketgi/socketgi/scgi/outcome"
	"golang.org/x/sys/unix"
)

// explain returns why a program could not be started, and what to do. execve(2) has the same errno for a
// missing file and for a missing interpreter.
func (c *Config) explain(file string, err error) error {
	var known *problem
	if errors.As(err, &known) {
		return err
	}
	kind := outcome.Failed
	text := ""
	switch {
	// EBADF: Go duplicates a descriptor to a number above all others before it executes a program,
	// which fails at the limit.
	case child.Exhausted(err), errors.Is(err, unix.EBADF):
		return fault(outcome.Busy, "can't start a process: "+err.Error())
	case unix.Access(path.Dir(file), unix.X_OK) != nil:
		text = "this user may not enter its directory, or one above it"
	case errors.Is(err, unix.ENOENT):
		text = missing(file)
	case errors.Is(err, unix.EACCES):
		text = notAllowed(file)
		if c.Root != "" {
			kind = outcome.Forbidden
		}
	case errors.Is(err, unix.ENOEXEC):
		text = noProgram(file)
	case errors.Is(err, unix.ETXTBSY):
		text = "it is open for writing: is it just being copied?"
	}
	if text == "" {
		text = err.Error()
	}
	return fault(kind, file+" can't be executed: "+text)
}

// missing returns the reason of an ENOENT: the file, its interpreter or its loader doesn't exist.
func missing(file string) string {
	if _, err := os.Stat(file); err != nil {
		return "it does not exist"
	}
	interpreter, carriageReturn := shebang(file)
	switch {
	case carriageReturn:
		return crlf(file)
	case interpreter != "":
		return "the interpreter " + interpreter + " in its first line does not exist"
	}
	if p := readELF(file); p != nil && p.loader != "" {
		return "its loader " + p.loader + " does not exist: it may be built for another system"
	}
	return ""
}

func crlf(file string) string {
	return `its first line ends in CR LF, so that its interpreter would be called "...\r": ` +
		"convert it, with sed -i 's/\\r$//' " + file
}

func notAllowed(file string) string {
	info, err := os.Stat(file)
	if err != nil {
		return err.Error()
	}
	var fs unix.Statfs_t
	switch {
	case !info.Mode().IsRegular():
		return "it is not a regular file"
	case info.Mode()&0o111 == 0:
		return "it is not executable: chmod +x " + file
	case unix.Statfs(file, &fs) == nil && fs.Flags&unix.ST_NOEXEC != 0:
		return "its file system is mounted noexec"
	case unix.Access(file, unix.X_OK) != nil:
		return "its mode " + info.Mode().String() + " doesn't permit user " + strconv.Itoa(os.Geteuid()) + " to execute it"
	}
	if interpreter, _ := shebang(file); interpreter != "" {
		return "this user may not execute its interpreter " + interpreter + ""
	}
	return ""
}

func noProgram(file string) string {
	if p := readELF(file); p != nil {
		return "it is built for " + p.machine + ", but this machine is " + runtime.GOARCH
	}
	head := firstBytes(file)
	switch {
	case len(head) == 0:
		return "it is empty"
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf#!")):
		return "a byte order mark precedes its #!: save it without one"
	case !bytes.HasPrefix(head, []byte("#!")):
		return "it is neither a program nor a script with an interpreter in its first line, such as #!/bin/sh"
	}
	return "the interpreter in its first line is invalid"
}

// shebang returns the interpreter that the first line of a script names.
func shebang(file string) (interpreter string, carriageReturn bool) {
	line, _, _ := bytes.Cut(firstBytes(file), []byte("\n"))
	rest, ok := bytes.CutPrefix(line, []byte("#!"))
	if !ok {
		return "", false
	}
	if f := strings.Fields(string(rest)); len(f) > 0 {
		interpreter = f[0]
	}
	return interpreter, bytes.HasSuffix(line, []byte("\r"))
}

func firstBytes(file string) []byte {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	head := make([]byte, 256) // BINPRM_BUF_SIZE: the kernel reads no more of the first line
	n, _ := f.Read(head)
	return head[:n]
}
